"""The deployment's models, for its operators."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from functions.search.dependencies import NamespaceDep, ServicesDep

router = APIRouter(prefix="/models")

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Reindex(BaseModel):
    """A model change; `bundle_digest` identifies a bundle that was published to the index bucket."""

    bundle_digest: Digest


@router.get("")
def show(namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Return the generations, and the progress of a model change."""
    return services.models.ask(namespace, "status")


@router.post("/reindex")
def reindex(request: Reindex, namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Begin a model change: everything is embedded again while searches go on, and then they switch to it."""
    return services.models.ask(namespace, "reindex", request.bundle_digest)


@router.post("/rollback")
def rollback(namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Make the previous model active again, or cancel a model change that is not complete."""
    return services.models.ask(namespace, "rollback")


@router.post("/finalize")
def finalize(namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Keep only the active model, and remove everything of the other one."""
    return services.models.ask(namespace, "finalize")
