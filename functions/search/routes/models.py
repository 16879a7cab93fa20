"""The deployment's models, for its operators."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from functions.search.dependencies import NamespaceDep, ServicesDep

router = APIRouter(prefix="/models")

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Reindex(BaseModel):
    """A change of model: `bundle_digest` names a bundle that was published to the index bucket."""

    bundle_digest: Digest


@router.get("")
def show(namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Return which generations there are, and how far a change of model is."""
    return services.models.ask(namespace, "status")


@router.post("/reindex")
def reindex(request: Reindex, namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Begin a change of model; everything is embedded anew while searches go on, and then it flips."""
    return services.models.ask(namespace, "reindex", request.bundle_digest)


@router.post("/rollback")
def rollback(namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Put the earlier model in front again, or give up a change that is not complete."""
    return services.models.ask(namespace, "rollback")


@router.post("/finalize")
def finalize(namespace: NamespaceDep, services: ServicesDep) -> dict[str, Any]:
    """Keep the active model only, and remove what belongs to the other one."""
    return services.models.ask(namespace, "finalize")
