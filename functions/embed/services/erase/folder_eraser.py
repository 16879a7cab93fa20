"""Folders that people deleted go for good: index, files, records, shares.

The folder is hidden already, so nobody waits for this. Each step may be repeated, and the folder's own record
goes last: while it is there, a message that comes again finds what is left to do.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from glimpse.index import IndexKey, IndexWriter, ObjectStore
from glimpse.keys import INDEXES_PREFIX, thumbnail_prefix, upload_prefix
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import EraseFolder
from glimpse.queues import WorkOutcome
from glimpse.records import (
    FolderRecord,
    FolderStatus,
    FolderStillActive,
    FolderStore,
    ImageStore,
    ShareStore,
)

from functions.embed.storage.objects import ImagesBucket

_MOST_RECEIVES = 3
"""After so many deliveries, a folder that is still active was never going to be hidden."""

_PAUSES = (0.2, 0.8, 2.0)
"""Seconds: the message is sent before the folder is hidden, mostly a few milliseconds before."""

_RESERVE_SECONDS = 30.0
"""The time that is left when the rest is handed over, enough for the step under way."""

_RECORDS_PER_STEP = 500
_MOST_SPACES = 1000


@dataclass(frozen=True, slots=True)
class FolderEraser:
    """Erases folders.

    Attributes
    ----------
    images, folders, shares, objects
        Where records and files are.
    writer, store
        Where indexes are.
    maintenance
        Takes what one invocation has no time for.
    namespace
        Of the folders' indexes. Those of spaces to which the folder's images do not go are found by listing.
    sleep
        Waits so many seconds.
    """

    images: ImageStore
    folders: FolderStore
    shares: ShareStore
    objects: ImagesBucket
    writer: IndexWriter
    store: ObjectStore
    maintenance: MaintenanceQueue
    namespace: str
    sleep: Callable[[float], None] = time.sleep

    def erase(
        self, request: EraseFolder, *, receive_count: int, remaining_seconds: Callable[[], float]
    ) -> WorkOutcome:
        """Erase a hidden folder, or as much of it as there is time for.

        Parameters
        ----------
        request
            Which one.
        receive_count
            How often the request was delivered, this time included.
        remaining_seconds
            Tells how long the invocation may go on.

        Raises
        ------
        FolderStillActive
            If the folder is not hidden yet; the queue must deliver the request again.
        """
        folder = self._wait_until_hidden(request.folder_id)
        if folder is None:
            return WorkOutcome.DONE
        if folder.owner_id != request.owner_id:
            return WorkOutcome.DROPPED
        if folder.status is FolderStatus.ACTIVE:
            if receive_count >= _MOST_RECEIVES:
                return WorkOutcome.DROPPED
            raise FolderStillActive(f"folder {folder.folder_id} is not hidden yet")
        self._delete_indexes(folder)
        for _ in chain(self._delete_objects(folder), self._delete_records(folder)):
            if remaining_seconds() < _RESERVE_SECONDS:
                self.maintenance.erase_folder(request.owner_id, request.folder_id)
                return WorkOutcome.CONTINUED
        self.shares.delete(self.shares.of_folder(folder.folder_id))
        self.folders.forget(folder.folder_id)
        return WorkOutcome.DONE

    def _wait_until_hidden(self, folder_id: int) -> FolderRecord | None:
        folder = self.folders.get(folder_id)
        for pause in _PAUSES:
            if folder is None or folder.status is not FolderStatus.ACTIVE:
                break
            self.sleep(pause)
            folder = self.folders.get(folder_id)
        return folder

    def _delete_indexes(self, folder: FolderRecord) -> None:
        """Delete the folder's index in every embedding space, so that workers under way lose."""
        # Those of its own spaces even where there is none yet: a worker may be about to commit the first
        # vectors. A hidden folder gets no further space.
        for space_id in sorted(folder.index_versions):
            self.writer.delete(self._index(folder, space_id))
        spaces = self.store.children(f"{INDEXES_PREFIX}{self.namespace}/", _MOST_SPACES)
        if spaces is None:
            raise RuntimeError(f"namespace {self.namespace} has more than {_MOST_SPACES} embedding spaces")
        for space_id in sorted(spaces - set(folder.index_versions)):
            index = self._index(folder, space_id)
            if self.store.get(index.manifest):
                self.writer.delete(index)

    def _index(self, folder: FolderRecord, space_id: str) -> IndexKey:
        return IndexKey(self.namespace, space_id, folder.owner_id, folder.folder_id)

    def _delete_objects(self, folder: FolderRecord) -> Iterator[None]:
        """Delete a page of files at every step."""
        for prefix in (upload_prefix, thumbnail_prefix):
            for keys in self.objects.pages(prefix(folder.owner_id, folder.folder_id)):
                self.objects.delete(keys)
                yield

    def _delete_records(self, folder: FolderRecord) -> Iterator[None]:
        """Delete some records at every step."""
        records = self.images.list_folder(folder.folder_id)
        while image_ids := [record.image_id for record in islice(records, _RECORDS_PER_STEP)]:
            self.images.delete(folder.folder_id, image_ids)
            yield
