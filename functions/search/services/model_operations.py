"""The operator's routes: what the embed function, which keeps the models, says and does."""

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
        Which generations there are.
    shared_namespace : str
        The namespace of operators: a backend with an alias of its own is none.
    try_out : callable
        Loads and runs the text half of the bundle of a digest, and raises what goes wrong.
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
        """Make sure that searches can have a model before everything is embedded with it."""
        try:
            self._try_out(bundle_digest)
        except BundleMissing:
            return  # the embed function says so, and knows of both halves
        except ShelfUnavailable as error:
            raise Unavailable("The model can't be read at the moment; try again shortly.") from error
        except (ShelfError, BundleError, ArithmeticError) as error:
            raise Conflicting(
                "The text half of this model can't be run by the search function; install the model again."
            ) from error

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
