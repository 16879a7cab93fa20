"""Welcome and health."""

from fastapi import APIRouter
from glimpse import __version__
from glimpse.http import Message
from pydantic import BaseModel

from functions.api.dependencies import ServicesDep

router = APIRouter(tags=["system"])


class Health(BaseModel):
    """Whether the API answers, and the model that search works with, or None while search does not say."""

    status: str
    service: str
    version: str
    model: str | None


@router.get("/")
@router.get("/api")
def welcome() -> Message:
    """Say what this is."""
    return Message(message="Welcome to Glimpse, which finds photographs by what they show.")


@router.get("/health")
def health(api: ServicesDep) -> Health:
    """Say that the API answers."""
    return Health(status="healthy", service="glimpse-api", version=__version__, model=api.model.name())
