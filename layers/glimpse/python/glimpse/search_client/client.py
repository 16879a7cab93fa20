"""The search service's contract as a Python object."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from glimpse.messages import FailedImage, ImageFile
from glimpse.questions import Asked, Extra
from glimpse.search_client.errors import (
    ImageNotFound,
    ImagesNotFound,
    SearchRefused,
    SearchUnavailable,
    TooMuch,
)
from glimpse.search_client.transport import Transport

_OF_IMAGES: Mapping[int, type[SearchRefused]] = {404: ImagesNotFound, 413: TooMuch}
_SAID: tuple[Extra, ...] = ("relevant", "partial", "next", "offset")  # what Found holds beside the hits
_OF_QUESTIONS: Mapping[int, type[SearchRefused]] = {404: ImageNotFound, 413: TooMuch}


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What became of the images of one request: `indexed` can be found by a search from now on."""

    indexed: list[int]
    failed: list[FailedImage]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An image found; `score` is the cosine of the query's and the image's embeddings."""

    image_id: int
    folder_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

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

    Every method raises :class:`~glimpse.search_client.errors.SearchUnavailable` where no usable answer
    comes, and :class:`~glimpse.search_client.errors.SearchRefused` where the service does not accept the
    request.

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
        ImagesNotFound
            If none of the files exists. Where there are some and none can be embedded, the report says why.
        TooMuch
            If there are more than one request has time for.
        """
        files = [{"image_id": image.image_id, "file_path": image.file_path} for image in images]
        try:
            answer = self._ask(
                "POST",
                "/embed-images",
                {"user_id": user_id, "folder_id": folder_id, "images": files},
                _OF_IMAGES,
            )
        except SearchRefused as refused:
            if not _names_images(refused.errors):
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
        self,
        user_id: int,
        query: str,
        folder_ids: Sequence[int],
        folder_owner_map: Mapping[int, int],
        top_k: int = 5,
        versions: Mapping[int, Mapping[str, int]] | None = None,
    ) -> list[SearchHit]:
        """Return the images that show what `query` says, best first.

        Parameters
        ----------
        user_id : int
            Who searches; owns the folders that `folder_owner_map` does not name.
        query : str
            In plain words.
        folder_ids : sequence of int
            Where to search; folders without an index add nothing.
        folder_owner_map : mapping of int to int
            Owner of each folder.
        top_k : int
            How many images, at most.
        versions : mapping of int to mapping of str to int, optional
            By folder and embedding space, the version that an index has at least, where that is known; it
            saves the service a look.
        """
        body = _folders(user_id, folder_ids, folder_owner_map, versions)
        return self._found(body | {"query": query, "top_k": top_k}).hits

    def find(
        self,
        user_id: int,
        asked: Asked,
        folder_ids: Sequence[int],
        folder_owner_map: Mapping[int, int],
        top_k: int = 5,
        versions: Mapping[int, Mapping[str, int]] | None = None,
    ) -> Found:
        """Return the images that show what is asked for; the other parameters are those of :meth:`search`.

        Raises
        ------
        ImageNotFound
            If an image that is searched by does not exist.
        TooMuch
            If the question is larger than a request may be.
        """
        body = _folders(user_id, folder_ids, folder_owner_map, versions)
        fields = asked.model_dump(mode="json", include=set(Asked.model_fields), exclude_defaults=True)
        return self._found(fields | body | {"top_k": top_k, "include": list(_SAID)})

    def warm(
        self,
        user_id: int,
        folder_ids: Sequence[int],
        folder_owner_map: Mapping[int, int],
        versions: Mapping[int, Mapping[str, int]] | None = None,
    ) -> None:
        """Have what searches over some folders need loaded; parameters as for :meth:`search`."""
        self._ask("POST", "/warm", _folders(user_id, folder_ids, folder_owner_map, versions))

    def _found(self, body: Mapping[str, Any]) -> Found:
        answer = self._ask("POST", "/search", body, _OF_QUESTIONS)
        with _contract():
            relevant, following = answer.get("relevant"), answer.get("next")
            return Found(
                [
                    SearchHit(int(hit["image_id"]), int(hit["folder_id"]), float(hit["score"]))
                    for hit in answer["results"]
                ],
                None if relevant is None else int(relevant),
                bool(answer.get("partial")),
                None if following is None else str(following),
                int(answer.get("offset", body.get("offset", 0))),
            )

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

        To begin the change that is under way is no error. SearchRefused (409) if another one is.
        """
        return self._ask("POST", "/models/reindex", {"bundle_digest": bundle_digest})

    def rollback_model(self) -> dict[str, Any]:
        """Put the earlier model in front again, or give up a change that is not complete."""
        return self._ask("POST", "/models/rollback")

    def finalize_model(self) -> dict[str, Any]:
        """Keep the active model only."""
        return self._ask("POST", "/models/finalize")

    def _ask(
        self,
        method: str,
        path: str,
        document: Mapping[str, Any] | None = None,
        refusals: Mapping[int, type[SearchRefused]] | None = None,
    ) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        response = self._transport.request(method, path, {"content-type": "application/json"}, body)
        answer = _json_object(response.body)
        if 200 <= response.status < 300 and answer is not None:
            return answer
        detail = str((answer or {}).get("detail", "no reason was given"))
        if 400 <= response.status < 500 and response.status != 429:
            errors = (answer or {}).get("errors")
            refusal = (refusals or {}).get(response.status, SearchRefused)
            raise refusal(response.status, detail, errors if isinstance(errors, list) else ())
        raise SearchUnavailable(f"the search service answered {response.status}: {detail}")


def _folders(
    user_id: int,
    folder_ids: Sequence[int],
    folder_owner_map: Mapping[int, int],
    versions: Mapping[int, Mapping[str, int]] | None,
) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "folder_ids": list(folder_ids),
        "folder_owner_map": {str(folder): owner for folder, owner in folder_owner_map.items()},
        "versions": {str(folder): dict(known) for folder, known in (versions or {}).items()},
    }


def _names_images(errors: Sequence[Any]) -> bool:
    """Tell whether a refusal says of each image why it was not embedded."""
    return bool(errors) and all(isinstance(each, dict) and "image_id" in each for each in errors)


@contextmanager
def _contract() -> Iterator[None]:
    """Turn an answer that lacks what the contract promises into SearchUnavailable."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise SearchUnavailable("the search service did not answer as its contract says") from error


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
