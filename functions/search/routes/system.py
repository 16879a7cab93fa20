"""Welcome and health."""

from typing import Any

from fastapi import APIRouter
from glimpse import __version__

from functions.search.dependencies import ServicesDep

router = APIRouter()


@router.get("/")
def welcome() -> dict[str, str]:
    """Identify the service."""
    return {"service": "glimpse-search", "status": "running", "version": __version__}


@router.get("/health")
def health(services: ServicesDep) -> dict[str, Any]:
    """Report that the service works, its model and its build."""
    return {"status": "healthy", "model": services.models.in_use(), "build": services.build}
