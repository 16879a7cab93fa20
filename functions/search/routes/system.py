"""What the service says of itself."""

from typing import Any

from fastapi import APIRouter
from glimpse import __version__

from functions.search.dependencies import ServicesDep

router = APIRouter()


@router.get("/")
def welcome() -> dict[str, str]:
    """Say what this is."""
    return {"service": "glimpse-search", "status": "running", "version": __version__}


@router.get("/health")
def health(services: ServicesDep) -> dict[str, Any]:
    """Say that the service works, with which model, and of which build."""
    return {"status": "healthy", "model": services.models.in_use(), "build": services.build}
