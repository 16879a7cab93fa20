"""The search service's contract as a Python object."""

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
_INCLUDE: tuple[Extra, ...] = ("relevant", "partial", "next", "offset")  # what a page holds beside the hits
NO_ANSWER = "Search does not answer at the moment; try again shortly."


class UnexpectedResponse(Exception):
    """The service answered, but could not do what it was asked, or not as its contract says."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An image found; `score` is the cosine of the query's and the image's embeddings."""

    image_id: int
    folder_id: int
    score: float


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of what a search found.

    Attributes
    ----------
    hits : list of SearchHit
        Best first.
    relevant : int, optional
        How many of the first images of the whole ranking answer the question; None where that is not known.
    partial : bool
        Part of an index could not be searched.
    next : str, optional
        What to send as `next` for the images after these; None after the last ones.
    offset : int
        How many images of the ranking come before these.
    """

    hits: list[SearchHit]
    relevant: int | None = None
    partial: bool = False
    next: str | None = None
    offset: int = 0


class SearchClient:
    """Asks the search service.

    Every method raises :class:`~glimpse.errors.Unavailable` where no usable answer comes; its cause says why,
    for whoever runs the service. Where the service refuses a request, it raises the error of
    :mod:`glimpse.errors` that the service itself raised, with its sentence.

    Parameters
    ----------
    transport : Transport
        The way to it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_index(self, user_id: int, folder_id: int) -> None:
        """Make sure that a folder has an index."""
        self._ask("POST", "/create-index", {"user_id": user_id, "folder_id": folder_id})

    def embed_images(self, user_id: int, folder_id: int, images: Iterable[ImageFile]) -> EmbedReport:
        """Embed files of the images bucket, and return when a search can find them.

        Raises
        ------
        NotFound
            If none of the files exists. Where there are some and none can be embedded, the report says why.
        TooLarge
            If there are more than one request has time for.
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
        """Return the images that show what is asked for, best first.

        Raises
        ------
        NotFound
            If an image that is searched by does not exist.
        TooLarge
            If the query is larger than a request may be.
        Conflicting, Unusable
            If it can't be answered.
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
        """Have what searches over some folders need loaded."""
        self._ask("POST", "/warm", _fields_of(scope))

    def delete_index(self, user_id: int, folder_id: int) -> None:
        """Remove everything from a folder's index, where there is one."""
        self._ask("DELETE", f"/delete-index/{int(user_id)}/{int(folder_id)}")

    def health(self) -> dict[str, Any]:
        """Return what the service says of itself: status, model, build."""
        return self._ask("GET", "/health")

    def models(self) -> dict[str, Any]:
        """Return which generations the deployment has, and how far a change of model is; for operators."""
        return self._ask("GET", "/models")

    def reindex(self, bundle_digest: str) -> dict[str, Any]:
        """Begin a change to the model of a published bundle, and return what holds then.

        To begin the change that is under way is no error. Conflicting if another one is.
        """
        return self._ask("POST", "/models/reindex", {"bundle_digest": bundle_digest})

    def rollback_model(self) -> dict[str, Any]:
        """Put the earlier model in front again, or give up a change that is not complete."""
        return self._ask("POST", "/models/rollback")

    def finalize_model(self) -> dict[str, Any]:
        """Keep the active model only."""
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
    """Return the error that the service answered with."""
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
    """Tell whether a refusal says of each image why it was not embedded.

    What it says of the fields of a request means nothing to whoever gave this client values.
    """
    return isinstance(errors, list) and all(isinstance(each, dict) and "image_id" in each for each in errors)


@contextmanager
def _contract() -> Iterator[None]:
    """Take an answer that lacks what the contract promises for none."""
    try:
        yield
    except (KeyError, TypeError, ValueError):
        unexpected = UnexpectedResponse("the search service did not answer as its contract says")
        raise Unavailable(NO_ANSWER) from unexpected


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
