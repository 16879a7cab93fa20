"""Welcome and health."""

from fastapi import APIRouter
from glimpse import __version__
from glimpse.http import Message
from pydantic import BaseModel

from functions.api.dependencies import ServicesDep

router = APIRouter(tags=["system"])


class Health(BaseModel):
    """The API's health, and the model that search uses; None while search does not answer."""

    status: str
    service: str
    version: str
    model: str | None


@router.get("/")
@router.get("/api")
def welcome() -> Message:
    """Welcome the caller."""
    return Message(message="Welcome to Glimpse, which finds photographs by what they show.")


@router.get("/health")
def health(api: ServicesDep) -> Health:
    """Report that the API works."""
    return Health(status="healthy", service="glimpse-api", version=__version__, model=api.model.name())
