"""The operator's model operations, relayed to the embed function, which owns the models."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from glimpse.encoder import BundleError
from glimpse.generations import NoModelChosen
from glimpse.messages import ChangeModels
from glimpse.shelf import BundleMissing, ShelfError, ShelfUnavailable

from functions.search.services.errors import (
    Conflicting,
    NoAccess,
    NotFound,
    ServiceError,
    Unavailable,
    Unusable,
)
from functions.search.services.ports import EmbedFailed, GenerationPointer, Operator

_FOR_OPERATORS = "Only the deployment's own operators may see and change its models."
_REFUSALS: Mapping[int, type[ServiceError]] = {
    404: NotFound,
    409: Conflicting,
    422: Unusable,
    503: Unavailable,
}


class ModelOperationsRelay:
    """Relays operators' requests.

    Parameters
    ----------
    operator : Operator
        The embed function.
    pointer : GenerationPointer
        The deployment's generations.
    shared_namespace : str
        The namespace of operators; a backend with its own alias is not an operator.
    try_out : callable
        Loads and runs the text half of a bundle, given its digest; raises if that fails.
    """

    def __init__(
        self,
        operator: Operator,
        pointer: GenerationPointer,
        shared_namespace: str,
        try_out: Callable[[str], None],
    ) -> None:
        self._operator = operator
        self._pointer = pointer
        self._shared_namespace = shared_namespace
        self._try_out = try_out

    def ask(
        self,
        namespace: str,
        action: Literal["status", "reindex", "rollback", "finalize"],
        bundle_digest: str | None = None,
    ) -> dict[str, Any]:
        """Read or change the models, and return the resulting state.

        Raises
        ------
        NoAccess
            If the caller used another backend's alias.
        NotFound, Conflicting, Unusable, Unavailable
            The embed function's own errors.
        """
        if namespace != self._shared_namespace:
            raise NoAccess(_FOR_OPERATORS)
        if bundle_digest is not None:
            self._check_text_half(bundle_digest)
        try:
            answer = self._operator.change_models(ChangeModels(action=action, bundle_digest=bundle_digest))
        except EmbedFailed as error:
            raise Unavailable("The models can't be looked at at the moment; try again shortly.") from error
        if answer.models is not None:
            return answer.models
        raise _REFUSALS.get(answer.status, Unavailable)(answer.detail or "No reason was given.")

    def _check_text_half(self, bundle_digest: str) -> None:
        """Check that searches can use a model before everything is embedded with it."""
        try:
            self._try_out(bundle_digest)
        except BundleMissing:
            return  # the embed function reports this, since it checks both halves
        except ShelfUnavailable as error:
            raise Unavailable("The model can't be read at the moment; try again shortly.") from error
        except (ShelfError, BundleError, ArithmeticError) as error:
            raise Conflicting(
                "The text half of this model can't be run by the search function; install the model again."
            ) from error

    def in_use(self) -> dict[str, Any] | None:
        """Describe the active generation; None if no model has been chosen yet."""
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
