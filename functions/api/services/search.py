"""Questions, answered with addresses that a browser can show."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from glimpse.keys import thumbnail_key
from glimpse.questions import MAX_OFFSET, Asked, ImagePart
from glimpse.records import ImageRecord, ImageStatus
from glimpse.search_client import Found

from functions.api.services.errors import (
    Conflicting,
    NotFound,
    ServiceError,
    TooLarge,
    Unavailable,
    Unusable,
)
from functions.api.services.folders import FolderService, VisibleFolder
from functions.api.services.formats import served_type
from functions.api.services.ports import Images, Objects, Search, SearchDeclined, SearchFailed, User

MAX_TOP_K = 500  # two signed addresses each: a longer answer would near the 6 MB of an invocation
MAX_WARMED = 500  # folders: their owners and versions have to fit into the 256 KB of such an invocation
_NO_ANSWER = "Search does not answer at the moment; try again shortly."
_NO_IMAGE = "There is no such image to search by."
_REFUSALS: Mapping[int, type[ServiceError]] = {409: Conflicting, 413: TooLarge, 422: Unusable}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FoundImage:
    """One result: `image_url` shows the rendition, `original_url` the file as it was uploaded."""

    record: ImageRecord
    folder: VisibleFolder
    similarity: float
    image_url: str
    original_url: str

    @property
    def taken_at(self) -> datetime | None:
        """When the picture was taken, where that is known."""
        seconds = self.record.taken_at
        if seconds is None:
            return None
        try:
            return _EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            return None  # the index's mark for "unknown" lies before every calendar


@dataclass(frozen=True, slots=True)
class FoundImages:
    """One page of results.

    Attributes
    ----------
    images : list of FoundImage
        Best first.
    relevant : int, optional
        How many of the first images of the whole ranking answer the question; what is left out of this
        page does not count.
        The first ``relevant - offset`` of this page do.
    partial : bool
        Part of an index could not be searched.
    next_offset : int, optional
        Where the next page begins; None where there is none.
    next : str, optional
        The same, for what was shown rather than for how many: what changes meanwhile doubles nothing then.
    """

    images: list[FoundImage]
    relevant: int | None = None
    partial: bool = False
    next_offset: int | None = None
    next: str | None = None


class SearchService:
    """Searches what one user can see."""

    def __init__(self, folders: FolderService, images: Images, objects: Objects, search: Search) -> None:
        self._folders = folders
        self._images = images
        self._objects = objects
        self._search = search

    def search(self, user: User, asked: Asked, folder_ids: Collection[int] | None, top_k: int) -> FoundImages:
        """Return the images that show what is asked for, best first.

        Folders that the user can't see are left out; None stands for every folder that the user can see.

        Raises
        ------
        Unusable, TooLarge, Conflicting
            If the question can't be answered, in the search service's words.
        NotFound
            If an image that is searched by does not exist, or not for this user.
        Unavailable
            If the search service does not answer.
        """
        asked.check()
        mark = _mark(folder_ids)
        asked = _opened(asked, mark)
        visible = self._visible(user)
        self._check_images(asked, visible)
        folders = _among(visible, folder_ids)
        if not folders and not asked.brings_vectors:
            return FoundImages([])
        found = self._ask(user, asked, folders, visible, top_k)
        hits = [hit for hit in found.hits if hit.folder_id in folders]
        records = self._images.get_many([(hit.folder_id, hit.image_id) for hit in hits])
        shown = [_is_shown(records.get((hit.folder_id, hit.image_id))) for hit in found.hits]
        images = [
            self._found(records[hit.folder_id, hit.image_id], folders[hit.folder_id], hit.score)
            for hit, is_shown in zip(found.hits, shown, strict=True)
            if is_shown
        ]
        return FoundImages(
            images,
            _relevant(found.relevant, shown, found.offset),
            found.partial,
            _next_offset(found.offset, len(found.hits), top_k),
            f"{mark}.{found.next}" if found.next else None,
        )

    def warm(self, user: User, folder_ids: Collection[int] | None) -> None:
        """Have search load what questions over some folders need, without waiting for it.

        Raises
        ------
        Unavailable
            If the search service can't be told.
        """
        folders = dict(islice(_among(self._visible(user), folder_ids).items(), MAX_WARMED))
        try:
            self._search.warm(user.user_id, _owners(folders), _versions(folders))
        except SearchFailed as error:
            raise Unavailable(_NO_ANSWER) from error

    def _visible(self, user: User) -> dict[int, VisibleFolder]:
        return {folder.record.folder_id: folder for folder in self._folders.visible(user)}

    def _check_images(self, asked: Asked, visible: Mapping[int, VisibleFolder]) -> None:
        """Make sure that the images to search by are there; a folder out of sight is like none."""
        pairs = [(part.folder_id, part.image_id) for part in asked.parts if isinstance(part, ImagePart)]
        seen = [pair for pair in pairs if pair[0] in visible]
        records = self._images.get_many(seen) if seen else {}
        if not all(_is_shown(records.get(pair)) for pair in pairs):
            raise NotFound(_NO_IMAGE)

    def _ask(
        self,
        user: User,
        asked: Asked,
        folders: Mapping[int, VisibleFolder],
        visible: Mapping[int, VisibleFolder],
        top_k: int,
    ) -> Found:
        # An image to search by may lie in a folder that is not searched.
        of_images = {part.folder_id for part in asked.parts if isinstance(part, ImagePart)}
        named = {**folders, **_among(visible, of_images)}
        try:
            return self._search.find(
                user.user_id, asked, list(folders), _owners(named), _versions(named), top_k
            )
        except SearchDeclined as declined:
            if declined.status == 404:
                raise NotFound(_NO_IMAGE) from declined
            if declined.status in _REFUSALS:
                raise _REFUSALS[declined.status](declined.detail) from declined
            raise Unavailable(_NO_ANSWER) from declined
        except SearchFailed as error:
            raise Unavailable(_NO_ANSWER) from error

    def _found(self, record: ImageRecord, folder: VisibleFolder, score: float) -> FoundImage:
        # The rendition is written before the vector, the record's mention of it after; the key is known.
        rendition = record.thumbnail_key or thumbnail_key(record.owner_id, record.folder_id, record.image_id)
        return FoundImage(
            record=record,
            folder=folder,
            similarity=score,
            image_url=self._objects.sign_get(rendition),
            original_url=self._objects.sign_get(record.key, served_type(record.content_type)),
        )


def _among(
    visible: Mapping[int, VisibleFolder], folder_ids: Collection[int] | None
) -> dict[int, VisibleFolder]:
    wanted = None if folder_ids is None else set(folder_ids)
    return {
        folder_id: folder for folder_id, folder in visible.items() if wanted is None or folder_id in wanted
    }


def _owners(folders: Mapping[int, VisibleFolder]) -> dict[int, int]:
    return {folder_id: folder.record.owner_id for folder_id, folder in folders.items()}


def _versions(folders: Mapping[int, VisibleFolder]) -> dict[int, Mapping[str, int]]:
    return {folder_id: folder.record.index_versions for folder_id, folder in folders.items()}


def _relevant(relevant: int | None, shown: Sequence[bool], offset: int) -> int | None:
    """Return a count of relevant images without those of this page that are not shown."""
    return None if relevant is None else relevant - shown[: max(0, relevant - offset)].count(False)


def _next_offset(offset: int, found: int, top_k: int) -> int | None:
    return offset + top_k if found == top_k and offset + top_k <= MAX_OFFSET else None


def _mark(folder_ids: Collection[int] | None) -> str:
    """Return what tells one choice of folders from another; the folders that it stands for may change."""
    chosen = "all" if folder_ids is None else ",".join(map(str, sorted(set(folder_ids))))
    return hashlib.blake2b(chosen.encode(), digest_size=4).hexdigest()


def _opened(asked: Asked, mark: str) -> Asked:
    """Return a question with the search service's own `next`, if it is of the same choice of folders.

    Raises
    ------
    Unusable
        If it is of another one.
    """
    if asked.next is None:
        return asked
    chosen, _, following = asked.next.partition(".")
    if chosen != mark or not following:
        raise Unusable(
            "This next belongs to another question, or was altered; ask without it, from the beginning."
        )
    return asked.model_copy(update={"next": following})


def _is_shown(record: ImageRecord | None) -> bool:
    """Tell whether a hit may be shown: an image without a record was deleted, a FAILED one has no picture."""
    return record is not None and record.status is not ImageStatus.FAILED
