"""The images that a folder had are brought into the index of a space that it got later.

Uploads go to the new space too by now. An image that was recorded before the folder got the space is embedded
here. As with uploads, every step can be the last one before a crash:

1. Begin an attempt, which reads the index's epoch, and only then look at the folder: whoever erases it, or
   gives the space up, raises the epoch afterwards.
2. Note in the folder which images are taken up next: after a crash, those are replaced and not added, since
   the crash may have been between the next two steps.
3. Embed, commit, store the folder's version.
4. Look again at records and objects: what was deleted meanwhile is taken back, what was replaced is embedded
   again. A replacement that comes later is committed by its own event, later than this.
5. Store how far it is, on the condition that no other run is further.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from glimpse.index import Attempt, EpochChanged, IndexKey
from glimpse.messages import BackfillFolder
from glimpse.records import Backfill, FolderRecord, ImageRecord, ImageStatus

from functions.embed.services.embedding.preparing import Prepared, Source
from functions.embed.services.ports import Encoder, Maintenance, StorageUnavailable
from functions.embed.services.work import Tools, vectors

BATCH = 32
"""Images in one commit."""

RESERVE_SECONDS = 45.0
"""The time that is left when the rest is handed over: enough for a batch of large photographs."""

_LOOKED_AT = 1000
_ROUNDS = 6


class Progress(StrEnum):
    """How a run ended: DROPPED where nothing was left to do any more."""

    DONE = "done"
    CONTINUED = "continued"
    DROPPED = "dropped"


class _OvertakenError(Exception):
    """Another run is further, or the folder left the space."""


@dataclass(frozen=True, slots=True)
class FolderBackfill:
    """Fills folders' indexes in a new space.

    Attributes
    ----------
    tools
        Storage, indexes and encoders.
    maintenance
        Takes what one invocation has no time for.
    clock
        Seconds since 1970-01-01 UTC.
    """

    tools: Tools
    maintenance: Maintenance
    clock: Callable[[], float] = time.time

    def run(
        self,
        request: BackfillFolder,
        *,
        receive_count: int,  # noqa: ARG002 - what an earlier delivery did is known from the folder
        remaining_seconds: Callable[[], float],
    ) -> Progress:
        """Fill one folder's index, or as much of it as there is time for.

        Raises
        ------
        StorageUnavailable
            If an image could not be read: the message has to come again.
        NoModelChosen, ShelfError, BundleError, GlimpseIndexError
            If the model or the index can't be used.
        """
        index = IndexKey(self.tools.namespace, request.space_id, request.owner_id, request.folder_id)
        encoders = self.tools.encoders.of([request.space_id])
        if not encoders:
            return Progress.DROPPED
        try:
            while True:
                attempt = self.tools.writer.begin(index)
                folder = self.tools.folder_with_spaces(request.folder_id)
                if folder is None or request.space_id not in folder.index_versions:
                    return Progress.DROPPED
                if folder.is_complete_in(request.space_id):
                    return Progress.DONE
                if remaining_seconds() < RESERVE_SECONDS:
                    self.maintenance.send(request)
                    return Progress.CONTINUED
                self._step(attempt, folder, encoders)
        except _OvertakenError:
            return Progress.DROPPED

    def _step(self, attempt: Attempt, folder: FolderRecord, encoders: dict[str, Encoder]) -> None:
        """Bring a batch into the index."""
        space_id = attempt.key.space_id
        seen = folder.backfills[space_id]
        wanted, cursor, is_last = self._next(folder, seen)
        done = left_out = 0
        if wanted:
            upto = wanted[-1].image_id
            self._check(self.tools.spaces.claim(folder.folder_id, space_id, seen, upto, self._now()))
            try:
                done, left_out = self._embed(attempt, wanted, seen.claimed, encoders)
            except EpochChanged:
                return  # the folder is being erased, or the space given up: the next look at it tells
        following = replace(
            seen,
            cursor=cursor,
            claimed=max(seen.claimed, wanted[-1].image_id if wanted else 0),
            done=seen.done + done,
            left_out=seen.left_out + left_out,
            touched_at=self._now(),
            is_complete=is_last,
        )
        if is_last:
            # Also an index of an earlier use of this space has to be known by its version.
            version = self.tools.writer.create(attempt.key).version
            self.tools.folders.raise_index_version(folder.folder_id, space_id, version)
        self._check(self.tools.spaces.advance(folder.folder_id, space_id, seen, following))

    def _next(self, folder: FolderRecord, seen: Backfill) -> tuple[list[ImageRecord], int, bool]:
        """Return images to embed, up to which id the folder is dealt with then, and whether that is all."""
        looked_at = list(
            islice(self.tools.images.list_folder(folder.folder_id, after=seen.cursor), _LOOKED_AT)
        )
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

    def _embed(
        self, attempt: Attempt, wanted: Sequence[ImageRecord], claimed: int, encoders: dict[str, Encoder]
    ) -> tuple[int, int]:
        """Embed images and commit them; return how many there are, and how many can't be read."""
        done = left_out = 0
        todo = list(wanted)
        replaced = {record.image_id for record in wanted if record.image_id <= claimed}
        for _ in range(_ROUNDS):
            ready = self.tools.prepare_now({r.image_id: Source(r.key) for r in todo}, encoders)
            unreadable = [record for record in todo if record.image_id not in ready]
            self._commit(attempt, ready, [r.image_id for r in todo if r.image_id in replaced])
            now = self.tools.images.get_many({(r.folder_id, r.image_id) for r in todo})
            alive = [
                record
                for record in now.values()
                if record.status is ImageStatus.INDEXED and record.image_id in ready
            ]
            gone = sorted(ready.keys() - {record.image_id for record in alive})
            if gone:
                self._commit(attempt, {}, gone)
            todo = [r for r in alive if self.tools.objects.etag(r.key) != ready[r.image_id].etag]
            replaced = {record.image_id for record in todo}
            done += len(alive) - len(todo)
            left_out += len(unreadable)
            if not todo:
                return done, left_out
        raise StorageUnavailable(f"images of folder {attempt.key.folder_id} kept being replaced")

    def _commit(self, attempt: Attempt, ready: dict[int, Prepared], removed: Sequence[int]) -> None:
        if not ready and not removed:
            return
        key = attempt.key
        commit = self.tools.commit(attempt, vectors(ready, key.space_id), removed)
        self.tools.folders.raise_index_version(key.folder_id, key.space_id, commit.version)

    def _check(self, is_ours: bool) -> None:
        if not is_ours:
            raise _OvertakenError

    def _now(self) -> int:
        return int(self.clock())
