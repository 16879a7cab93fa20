"""The operator's routes: what the embed function, which keeps the models, says and does."""

from collections.abc import Mapping
from typing import Any, Literal

from glimpse.generations import NoModelChosen
from glimpse.messages import ChangeModels

from functions.search.services.errors import (
    Conflicting,
    NoAccess,
    NotFound,
    ServiceError,
    Unavailable,
    Unusable,
)
from functions.search.services.ports import EmbedFailed, Operator, Pointer

_FOR_OPERATORS = "Only the deployment's own operators may see and change its models."
_REFUSALS: Mapping[int, type[ServiceError]] = {
    404: NotFound,
    409: Conflicting,
    422: Unusable,
    503: Unavailable,
}


class ModelService:
    """Relays operators' requests.

    Parameters
    ----------
    operator : Operator
        The embed function.
    pointer : Pointer
        Which generations there are.
    shared_namespace : str
        The namespace of operators: a backend with an alias of its own is none.
    """

    def __init__(self, operator: Operator, pointer: Pointer, shared_namespace: str) -> None:
        self._operator = operator
        self._pointer = pointer
        self._shared_namespace = shared_namespace

    def ask(
        self,
        namespace: str,
        action: Literal["status", "reindex", "rollback", "finalize"],
        bundle_digest: str | None = None,
    ) -> dict[str, Any]:
        """Have the models looked at or changed, and return what holds then.

        Raises
        ------
        NoAccess
            If the caller came by an alias for another backend.
        NotFound, Conflicting, Unusable, Unavailable
            As the embed function says.
        """
        if namespace != self._shared_namespace:
            raise NoAccess(_FOR_OPERATORS)
        try:
            answer = self._operator.change_models(ChangeModels(action=action, bundle_digest=bundle_digest))
        except EmbedFailed as error:
            raise Unavailable("The models can't be looked at at the moment; try again shortly.") from error
        if answer.models is not None:
            return answer.models
        raise _REFUSALS.get(answer.status, Unavailable)(answer.detail or "No reason was given.")

    def in_use(self) -> dict[str, Any] | None:
        """Describe the active generation; None if no model was chosen yet."""
        try:
            active = self._pointer.current().active
        except NoModelChosen:
            return None
        return {
            "name": active.name,
            "space_id": active.space_id,
            "bundle_digest": active.bundle_digest,
            "dimension": active.dimension,
        }
