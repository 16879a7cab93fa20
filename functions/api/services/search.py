"""Questions in plain words, answered with addresses that a browser can show."""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from glimpse.keys import thumbnail_key
from glimpse.records import ImageRecord, ImageStatus

from functions.api.services.errors import Unavailable
from functions.api.services.folders import FolderService, VisibleFolder
from functions.api.services.ports import Images, Objects, Search, SearchFailed, User

MAX_TOP_K = 500  # two signed addresses each: a longer answer would near the 6 MB of an invocation
MODEL_SECONDS, UNKNOWN_SECONDS = 300, 10
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


class SearchService:
    """Searches what one user can see."""

    def __init__(self, folders: FolderService, images: Images, objects: Objects, search: Search) -> None:
        self._folders = folders
        self._images = images
        self._objects = objects
        self._search = search

    def search(
        self, user: User, query: str, folder_ids: Collection[int] | None, top_k: int
    ) -> list[FoundImage]:
        """Return the images that show what `query` says, best first.

        Folders that the user can't see are left out; None stands for every folder that the user can see.

        Raises
        ------
        Unavailable
            If the search service does not answer.
        """
        wanted = None if folder_ids is None else set(folder_ids)
        folders = {
            folder.record.folder_id: folder
            for folder in self._folders.visible(user)
            if wanted is None or folder.record.folder_id in wanted
        }
        if not folders:
            return []
        try:
            hits = self._search.search(
                user.user_id,
                query,
                {folder_id: folder.record.owner_id for folder_id, folder in folders.items()},
                {folder_id: folder.record.index_versions for folder_id, folder in folders.items()},
                top_k,
            )
        except SearchFailed as error:
            raise Unavailable("Search does not answer at the moment; try again shortly.") from error
        pairs = [(hit.folder_id, hit.image_id) for hit in hits if hit.folder_id in folders]
        records = self._images.get_many(pairs)
        return [
            self._found(records[hit.folder_id, hit.image_id], folders[hit.folder_id], hit.score)
            for hit in hits
            if _is_shown(records.get((hit.folder_id, hit.image_id)))
        ]

    def _found(self, record: ImageRecord, folder: VisibleFolder, score: float) -> FoundImage:
        # The rendition is written before the vector, the record's mention of it after; the key is known.
        rendition = record.thumbnail_key or thumbnail_key(record.owner_id, record.folder_id, record.image_id)
        return FoundImage(
            record=record,
            folder=folder,
            similarity=score,
            image_url=self._objects.sign_get(rendition),
            original_url=self._objects.sign_get(record.key),
        )


def _is_shown(record: ImageRecord | None) -> bool:
    """Tell whether a hit may be shown: an image without a record was deleted, a FAILED one has no picture."""
    return record is not None and record.status is not ImageStatus.FAILED


class ActiveModel:
    """The name of the model that search runs with, asked for at most every five minutes.

    While search does not say, it is asked again every ten seconds.
    """

    def __init__(self, search: Search, clock: Callable[[], float] = time.monotonic) -> None:
        self._search = search
        self._clock = clock
        self._lock = threading.Lock()
        self._name: str | None = None
        self._ask_from: float | None = None

    def name(self) -> str | None:
        """Return the model's name, or None while search does not answer.

        One caller at a time waits for search; the others get what is known.
        """
        if self._is_due() and self._lock.acquire(blocking=False):
            try:
                self._name = self._ask()
                self._ask_from = self._clock() + (UNKNOWN_SECONDS if self._name is None else MODEL_SECONDS)
            finally:
                self._lock.release()
        return self._name

    def _is_due(self) -> bool:
        return self._ask_from is None or self._clock() >= self._ask_from

    def _ask(self) -> str | None:
        try:
            model = self._search.health().get("model")
        except SearchFailed:
            return None
        name = model.get("name") if isinstance(model, dict) else model
        return name if isinstance(name, str) else None
