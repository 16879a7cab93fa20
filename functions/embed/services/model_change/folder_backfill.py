"""The images that a folder had are brought into the index of a space that it got later.

Uploads go to the new space too by now. An image that was recorded before the folder got the space is
embedded here, a batch at a time and in the order of :mod:`glimpse.ingest`, with two notes in the folder's
record. Every step can be the last one before a crash:

1. Begin, and look at the folder. Whoever erases it, or gives the space up, raises the index's epoch
   afterwards.
2. Note which images are taken up next: after a crash those are replaced and not added, since the crash may
   have been between the next two steps.
3. Embed and commit; look again at records and objects. What was deleted meanwhile is taken back, what was
   replaced is embedded again. A replacement that comes later is committed by its own event, later than this.
4. Note how far it is, on the condition that no other run is further.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from glimpse.index import EpochChanged
from glimpse.ingest import Ingest, Ingestion, indexes_of
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import BackfillFolder
from glimpse.queues import WorkOutcome
from glimpse.records import Backfill, FolderRecord, ImageRecord, ImageStatus, ImageStore, SpaceStore

from functions.embed.services.active_folders import ActiveFolders
from functions.embed.services.embedding.encoders import Encoder, Encoders
from functions.embed.services.embedding.preparing import Prepared, Preparer, Source
from functions.embed.services.model_change.filling import Filled, fill

BATCH = 32
"""Images in one commit."""

RESERVE_SECONDS = 45.0
"""The time that is left when the rest is handed over: enough for a batch of large photographs."""

_LOOKED_AT = 1000


class _OvertakenError(Exception):
    """Another run is further, or the folder left the space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderBackfill:
    """Fills folders' indexes in a new space.

    Attributes
    ----------
    images, folders, spaces
        Records.
    encoders, preparer
        Make vectors of pictures.
    ingest
        Brings them into indexes.
    namespace
        Of these indexes.
    maintenance
        Takes what one invocation has no time for.
    clock
        Seconds since 1970-01-01 UTC.
    """

    images: ImageStore
    folders: ActiveFolders
    spaces: SpaceStore
    encoders: Encoders
    preparer: Preparer
    ingest: Ingest
    namespace: str
    maintenance: MaintenanceQueue
    clock: Callable[[], float] = time.time

    def run(
        self,
        request: BackfillFolder,
        *,
        receive_count: int,  # noqa: ARG002 - what an earlier delivery did is known from the folder
        remaining_seconds: Callable[[], float],
    ) -> WorkOutcome:
        """Fill one folder's index, or as much of it as there is time for.

        Raises
        ------
        StorageUnavailable
            If an image could not be read; the queue must deliver the message again.
        NoModelChosen, ShelfError, BundleError, GlimpseIndexError
            If the model or the index can't be used.
        """
        index = indexes_of(self.namespace, request.owner_id, request.folder_id, {request.space_id: 0})
        encoders = self.encoders.of([request.space_id])
        if not encoders:
            return WorkOutcome.DROPPED
        try:
            while True:
                ingestion = self.ingest.begin(index, lambda: self.folders.get(request.folder_id))
                folder = ingestion.seen
                if folder is None or request.space_id not in folder.index_versions:
                    return WorkOutcome.DROPPED
                if folder.is_complete_in(request.space_id):
                    return WorkOutcome.DONE
                if remaining_seconds() < RESERVE_SECONDS:
                    self.maintenance.send(request)
                    return WorkOutcome.CONTINUED
                self._step(ingestion, folder, request.space_id, encoders)
        except _OvertakenError:
            return WorkOutcome.DROPPED

    def _step(
        self,
        ingestion: Ingestion[FolderRecord | None],
        folder: FolderRecord,
        space_id: str,
        encoders: dict[str, Encoder],
    ) -> None:
        """Bring a batch into the index."""
        seen = folder.backfills[space_id]
        wanted, cursor, is_last = self._next(folder, seen)
        filled = Filled()
        if wanted:
            upto = wanted[-1].image_id
            self._check(self.spaces.claim(folder.folder_id, space_id, seen, upto, self._now()))
            known = {record.image_id for record in wanted if record.image_id <= seen.claimed}
            batch = _Batch(self.images, self.preparer, encoders, wanted)
            try:
                filled = fill(ingestion, space_id, [record.image_id for record in wanted], known, batch)
            except EpochChanged:
                return  # the folder is being erased, or the space given up: the next look at it tells
        following = replace(
            seen,
            cursor=cursor,
            claimed=max(seen.claimed, wanted[-1].image_id if wanted else 0),
            done=seen.done + filled.done,
            left_out=seen.left_out + filled.left_out,
            touched_at=self._now(),
            is_complete=is_last,
        )
        if is_last:
            # Also an index of an earlier use of this space has to be known by its version.
            self.ingest.create(ingestion.attempts[space_id].key)
        self._check(self.spaces.advance(folder.folder_id, space_id, seen, following))

    def _next(self, folder: FolderRecord, seen: Backfill) -> tuple[list[ImageRecord], int, bool]:
        """Return images to embed, up to which id the folder is dealt with then, and whether that is all."""
        looked_at = list(islice(self.images.list_folder(folder.folder_id, after=seen.cursor), _LOOKED_AT))
        wanted = [
            record
            for record in looked_at
            # What was recorded with the space is in its index; what is PENDING will be, or fail.
            if record.status is ImageStatus.INDEXED and record.spaces_revision < seen.since
        ]
        if len(wanted) > BATCH:
            return wanted[:BATCH], wanted[BATCH - 1].image_id, False
        cursor = looked_at[-1].image_id if looked_at else seen.cursor
        return wanted, cursor, len(looked_at) < _LOOKED_AT

    def _check(self, is_ours: bool) -> None:
        if not is_ours:
            raise _OvertakenError

    def _now(self) -> int:
        return int(self.clock())


class _Batch:
    """Images of a folder on their way; `records` are as they were read last."""

    def __init__(
        self,
        images: ImageStore,
        preparer: Preparer,
        encoders: Mapping[str, Encoder],
        records: Iterable[ImageRecord],
    ) -> None:
        self._images = images
        self._preparer = preparer
        self._encoders = encoders
        self._records = {record.image_id: record for record in records}

    def prepare(self, image_ids: Sequence[int]) -> dict[int, Prepared]:
        """Embed those that can be read."""
        sources = {image_id: Source(self._records[image_id].key) for image_id in image_ids}
        return self._preparer.prepare_known(sources, self._encoders)

    def deleted(self, image_ids: Sequence[int], ready: Mapping[int, Prepared]) -> set[int]:
        """Read the records again; what is not INDEXED any more counts as deleted."""
        pairs = {(self._records[image_id].folder_id, image_id) for image_id in image_ids}
        now = self._images.get_many(pairs).values()
        self._records = {
            record.image_id: record
            for record in now
            if record.status is ImageStatus.INDEXED and record.image_id in ready
        }
        return ready.keys() - self._records.keys()

    def replaced(self, ready: Mapping[int, Prepared]) -> list[int]:
        """Compare the objects of those that are there."""
        return [
            image_id
            for image_id, record in self._records.items()
            if self._preparer.was_replaced(record.key, ready[image_id])
        ]
