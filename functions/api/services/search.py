"""Searches, answered with URLs that a browser can show."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from glimpse.keys import thumbnail_key
from glimpse.records import ImageRecord, ImageStatus
from glimpse.search_client import SearchPage
from glimpse.search_request import MAX_OFFSET, SearchOptions, SearchQuery, SearchScope, check

from functions.api.services.errors import NotFound, Unusable
from functions.api.services.folders import FolderService, VisibleFolder
from functions.api.services.formats import served_type
from functions.api.services.ports import ImageRepository, SearchBackend, UploadBucket, User

MAX_TOP_K = 500  # two signed URLs each: a longer answer would come near an invocation's 6 MB
MAX_WARMED = 500  # folders: their owners and versions must fit into an asynchronous invocation's 256 KB
_NO_IMAGE = "There is no such image to search by."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FoundImage:
    """One result: `image_url` shows the thumbnail, `original_url` the file as it was uploaded."""

    record: ImageRecord
    folder: VisibleFolder
    similarity: float
    image_url: str
    original_url: str

    @property
    def taken_at(self) -> datetime | None:
        """When the picture was taken, if known."""
        seconds = self.record.taken_at
        if seconds is None:
            return None
        try:
            return _EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            return None  # the index's marker for "unknown" is out of a calendar's range


@dataclass(frozen=True, slots=True)
class FoundImages:
    """One page of results.

    Attributes
    ----------
    images : list of FoundImage
        Best first.
    relevant : int, optional
        How many images at the top of the whole ranking are relevant, without those left out of this page.
        On this page, they are the first ``relevant - offset``.
    partial : bool
        Whether part of an index could not be searched.
    next_offset : int, optional
        The offset of the next page; None if there is none.
    next : str, optional
        A cursor to the next page. Unlike an offset, it repeats no image if the index changes in between.
    """

    images: list[FoundImage]
    relevant: int | None = None
    partial: bool = False
    next_offset: int | None = None
    next: str | None = None


class UserSearchService:
    """Searches what one user can see."""

    def __init__(
        self, folders: FolderService, images: ImageRepository, objects: UploadBucket, search: SearchBackend
    ) -> None:
        self._folders = folders
        self._images = images
        self._objects = objects
        self._search = search

    def search(
        self, user: User, query: SearchQuery, options: SearchOptions, folder_ids: Collection[int] | None
    ) -> FoundImages:
        """Return the images that match a query, best first.

        Folders that the user can't see are ignored; None means every folder that the user can see.

        Raises
        ------
        Unusable, TooLarge, Conflicting
            If the query can't be answered, with the search service's message.
        NotFound
            If an image to search by does not exist, or the user can't see it.
        Unavailable
            If the search service does not answer.
        """
        check(query, options)
        mark = _mark(folder_ids)
        options = _opened(options, mark)
        visible = self._visible(user)
        self._check_images(query, visible)
        folders = _among(visible, folder_ids)
        if not folders and not query.brings_vectors:
            return FoundImages([])
        # An image to search by may be in a folder that is not searched.
        of_images = {part.folder_id for part in query.image_parts}
        scope = _scope(user, list(folders), {**folders, **_among(visible, of_images)})
        page = self._ask(scope, query, options)
        hits = [hit for hit in page.hits if hit.folder_id in folders]
        records = self._images.get_many([(hit.folder_id, hit.image_id) for hit in hits])
        shown = [_is_shown(records.get((hit.folder_id, hit.image_id))) for hit in page.hits]
        images = [
            self._found(records[hit.folder_id, hit.image_id], folders[hit.folder_id], hit.score)
            for hit, is_shown in zip(page.hits, shown, strict=True)
            if is_shown
        ]
        return FoundImages(
            images,
            _relevant(page.relevant, shown, page.offset),
            page.partial,
            _next_offset(page.offset, len(page.hits), options.top_k),
            f"{mark}.{page.next}" if page.next else None,
        )

    def warm(self, user: User, folder_ids: Collection[int] | None) -> None:
        """Make the search service load the data for searches over some folders, without waiting for it.

        Raises
        ------
        Unavailable
            If the search service can't be reached.
        """
        folders = dict(islice(_among(self._visible(user), folder_ids).items(), MAX_WARMED))
        self._search.warm(_scope(user, list(folders), folders))

    def _visible(self, user: User) -> dict[int, VisibleFolder]:
        return {folder.record.folder_id: folder for folder in self._folders.visible(user)}

    def _check_images(self, query: SearchQuery, visible: Mapping[int, VisibleFolder]) -> None:
        """Check that the images to search by exist in folders that the user can see."""
        pairs = [(part.folder_id, part.image_id) for part in query.image_parts]
        seen = [pair for pair in pairs if pair[0] in visible]
        records = self._images.get_many(seen) if seen else {}
        if not all(_is_shown(records.get(pair)) for pair in pairs):
            raise NotFound(_NO_IMAGE)

    def _ask(self, scope: SearchScope, query: SearchQuery, options: SearchOptions) -> SearchPage:
        try:
            return self._search.search(scope, query, options)
        except NotFound as missing:
            # The same message for unknown, invisible and unindexed images, so that it reveals nothing.
            raise NotFound(_NO_IMAGE) from missing

    def _found(self, record: ImageRecord, folder: VisibleFolder, score: float) -> FoundImage:
        # The thumbnail is written before the vector, but the record gets its key only afterwards. Derive it.
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


def _scope(user: User, folder_ids: Sequence[int], known: Mapping[int, VisibleFolder]) -> SearchScope:
    """Return the scope of a search, with the owners and index versions of all folders involved."""
    return SearchScope(
        user.user_id,
        folder_ids,
        owners={folder_id: folder.record.owner_id for folder_id, folder in known.items()},
        versions={folder_id: folder.record.index_versions for folder_id, folder in known.items()},
    )


def _relevant(relevant: int | None, shown: Sequence[bool], offset: int) -> int | None:
    """Return the number of relevant images without those that this page does not show."""
    return None if relevant is None else relevant - shown[: max(0, relevant - offset)].count(False)


def _next_offset(offset: int, found: int, top_k: int) -> int | None:
    return offset + top_k if found == top_k and offset + top_k <= MAX_OFFSET else None


def _mark(folder_ids: Collection[int] | None) -> str:
    """Return a digest that identifies a choice of folders; for "all", the folders themselves may change."""
    chosen = "all" if folder_ids is None else ",".join(map(str, sorted(set(folder_ids))))
    return hashlib.blake2b(chosen.encode(), digest_size=4).hexdigest()


def _opened(options: SearchOptions, mark: str) -> SearchOptions:
    """Return options with the search service's own `next`, if it belongs to the same choice of folders.

    Raises
    ------
    Unusable
        If it belongs to a different one.
    """
    if options.next is None:
        return options
    chosen, _, following = options.next.partition(".")
    if chosen != mark or not following:
        raise Unusable("This next belongs to another search, or was altered; search again without it.")
    return options.model_copy(update={"next": following})


def _is_shown(record: ImageRecord | None) -> bool:
    """Tell whether to show a hit: an image without a record was deleted; a FAILED one has no thumbnail."""
    return record is not None and record.status is not ImageStatus.FAILED
