"""The client of the search service: its HTTP contract as Python methods."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeGuard

from glimpse.errors import Conflicting, NoAccess, NotFound, ServiceError, TooLarge, Unavailable, Unusable
from glimpse.messages import EmbedReport, FailedImage, ImageFile
from glimpse.search_client.transport import Response, Transport, TransportError
from glimpse.search_request import Extra, SearchOptions, SearchQuery, SearchScope

_REFUSALS: Mapping[int, type[ServiceError]] = {
    403: NoAccess,
    404: NotFound,
    409: Conflicting,
    413: TooLarge,
    422: Unusable,
}
_INCLUDE: tuple[Extra, ...] = ("relevant", "partial", "next", "offset")  # the fields of a page besides hits
NO_ANSWER = "Search is not responding at the moment; try again shortly."


class UnexpectedResponse(Exception):
    """The service answered with an internal error, or not according to its contract."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A search result. `score` is the cosine of the query's and the image's embeddings."""

    image_id: int
    folder_id: int
    score: float


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of search results.

    Attributes
    ----------
    hits : list of SearchHit
        Best first.
    relevant : int, optional
        How many images at the top of the whole ranking are relevant; None if unknown.
    partial : bool
        Whether part of an index could not be searched.
    next : str, optional
        What to send as `next` to get the next page; None on the last page.
    offset : int
        Number of images that precede these in the ranking.
    """

    hits: list[SearchHit]
    relevant: int | None = None
    partial: bool = False
    next: str | None = None
    offset: int = 0


class SearchClient:
    """A client of the search service.

    Every method raises :class:`~glimpse.errors.Unavailable` if there is no usable response; the exception's
    cause says why, for operators. If the service refuses a request, the method raises the same error of
    :mod:`glimpse.errors` as the service itself, with its message.

    Parameters
    ----------
    transport : Transport
        Sends the requests.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_index(self, user_id: int, folder_id: int) -> None:
        """Create a folder's index unless it exists."""
        self._ask("POST", "/create-index", {"user_id": user_id, "folder_id": folder_id})

    def embed_images(self, user_id: int, folder_id: int, images: Iterable[ImageFile]) -> EmbedReport:
        """Embed files of the images bucket, and return once searches can find them.

        Raises
        ------
        NotFound
            If none of the files exists. If some exist but none can be embedded, the report says why.
        TooLarge
            If there are more images than one request has time for.
        """
        files = [{"image_id": image.image_id, "file_path": image.file_path} for image in images]
        try:
            answer = self._ask(
                "POST",
                "/embed-images",
                {"user_id": user_id, "folder_id": folder_id, "images": files},
            )
        except ServiceError as refused:
            if not refused.errors:
                raise
            answer = {"indexed": [], "failed": refused.errors}
        with _contract():
            return EmbedReport(
                [int(image_id) for image_id in answer["indexed"]],
                [
                    FailedImage(int(each["image_id"]), str(each["file_path"]), str(each["reason"]))
                    for each in answer["failed"]
                ],
            )

    def search(
        self, scope: SearchScope, query: SearchQuery, options: SearchOptions | None = None
    ) -> SearchPage:
        """Return the images that match a query best, best first.

        Raises
        ------
        NotFound
            If an image to search by does not exist.
        TooLarge
            If the query is larger than allowed.
        Conflicting, Unusable
            If the query can't be answered.
        """
        options = options or SearchOptions()
        body = {
            **query.model_dump(mode="json", exclude_defaults=True),
            **options.model_dump(mode="json", exclude_defaults=True),
            **_fields_of(scope),
            "top_k": options.top_k,
            "include": list(_INCLUDE),
        }
        answer = self._ask("POST", "/search", body)
        with _contract():
            relevant, following = answer.get("relevant"), answer.get("next")
            return SearchPage(
                [
                    SearchHit(int(hit["image_id"]), int(hit["folder_id"]), float(hit["score"]))
                    for hit in answer["results"]
                ],
                None if relevant is None else int(relevant),
                bool(answer.get("partial")),
                None if following is None else str(following),
                int(answer.get("offset", options.offset)),
            )

    def warm(self, scope: SearchScope) -> None:
        """Warm the service's caches for searches of some folders."""
        self._ask("POST", "/warm", _fields_of(scope))

    def delete_index(self, user_id: int, folder_id: int) -> None:
        """Delete a folder's index, if it exists."""
        self._ask("DELETE", f"/delete-index/{int(user_id)}/{int(folder_id)}")

    def health(self) -> dict[str, Any]:
        """Return the service's status, model and build."""
        return self._ask("GET", "/health")

    def models(self) -> dict[str, Any]:
        """Return the deployment's generations, and the progress of a change of model; for operators."""
        return self._ask("GET", "/models")

    def reindex(self, bundle_digest: str) -> dict[str, Any]:
        """Begin a change to the model of a published bundle, and return the models after that.

        Beginning the change that is already in progress does nothing; raises Conflicting if another one is in
        progress.
        """
        return self._ask("POST", "/models/reindex", {"bundle_digest": bundle_digest})

    def rollback_model(self) -> dict[str, Any]:
        """Make the earlier model active again, or cancel a change that is not complete."""
        return self._ask("POST", "/models/rollback")

    def finalize_model(self) -> dict[str, Any]:
        """Keep only the active model."""
        return self._ask("POST", "/models/finalize")

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        try:
            response = self._transport.request(method, path, {"content-type": "application/json"}, body)
        except TransportError as error:
            raise Unavailable(NO_ANSWER) from error
        answer = _json_object(response.body)
        if 200 <= response.status < 300 and answer is not None:
            return answer
        raise _refusal(response, answer or {})


def _refusal(response: Response, answer: Mapping[str, Any]) -> ServiceError:
    """Return the error for a response with an error status."""
    detail = str(answer.get("detail", "no reason was given"))
    if response.status in _REFUSALS:
        errors = answer.get("errors")
        return _REFUSALS[response.status](detail, errors if _names_images(errors) else ())
    unavailable = Unavailable(NO_ANSWER)
    unavailable.__cause__ = UnexpectedResponse(f"the search service answered {response.status}: {detail}")
    return unavailable


def _fields_of(scope: SearchScope) -> dict[str, Any]:
    return {
        "user_id": scope.user_id,
        "folder_ids": list(scope.folder_ids),
        "folder_owner_map": {str(folder): owner for folder, owner in scope.owners.items()},
        "versions": {str(folder): dict(known) for folder, known in scope.versions.items()},
    }


def _names_images(errors: object) -> TypeGuard[list[dict[str, Any]]]:
    """Tell whether the errors of a refusal are about images.

    Errors about request fields are of no use to the callers of this client, who pass values instead of
    fields.
    """
    return isinstance(errors, list) and all(isinstance(each, dict) and "image_id" in each for each in errors)


@contextmanager
def _contract() -> Iterator[None]:
    """Raise Unavailable if reading a response fails because it violates the contract."""
    try:
        yield
    except (KeyError, TypeError, ValueError):
        unexpected = UnexpectedResponse("the search service's response violates its contract")
        raise Unavailable(NO_ANSWER) from unexpected


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
