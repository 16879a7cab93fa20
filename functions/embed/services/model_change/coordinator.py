"""A change of model is watched until everything is embedded anew, and then flipped."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from glimpse.generations import Generation, Generations, GenerationStore, OtherMark, OtherMarkStore, Phase
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import BackfillFolder, BackfillOthers, Coordinate
from glimpse.queues import WorkOutcome
from glimpse.records import FolderRecord, FolderStatus, OtherImageStore, SpaceStore

from functions.embed.services.model_change.folder_backfill import RESERVE_SECONDS

STALLED_SECONDS = 900
"""A backfill that was not touched for so long is sent again: its message was lost, or its worker killed.
Longer than a message stays invisible, so that the earlier worker is surely gone."""

_FIRST_DELAY_SECONDS = 2
_LONGEST_DELAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Tally:
    """How far the re-embedding is.

    Attributes
    ----------
    folders_done, folders_total
        Folders that people own.
    images_done, images_total
        Their images.
    others_done, others_total
        Indexes of other backends.
    left_out
        Images whose files can't be read any more, or are not known here.
    """

    folders_done: int = 0
    folders_total: int = 0
    images_done: int = 0
    images_total: int = 0
    others_done: int = 0
    others_total: int = 0
    left_out: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether everything is embedded."""
        return self.folders_done == self.folders_total and self.others_done == self.others_total


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinator:
    """Watches a change of model, and flips when everything is complete.

    Attributes
    ----------
    spaces, others
        What there is to embed: folders with their spaces, and images of other backends.
    generations
        The pointer.
    marks
        How far other backends' indexes are.
    maintenance
        Takes the backfills, and the next look.
    clock
        Seconds since 1970-01-01 UTC.
    """

    spaces: SpaceStore
    others: OtherImageStore
    generations: GenerationStore
    marks: OtherMarkStore
    maintenance: MaintenanceQueue
    clock: Callable[[], float] = time.time

    def run(
        self,
        request: Coordinate,
        *,
        receive_count: int,  # noqa: ARG002 - every look is the same
        remaining_seconds: Callable[[], float],
    ) -> WorkOutcome:
        """Look once: send what is missing, as far as there is time, and flip when nothing is.

        A folder that is created after the change began has the new space from the start: the API reads the
        pointer, and creates the folder on the condition that it is still the same. So the scan, which begins
        after the change, sees every folder that needs a backfill.

        Raises
        ------
        ChangeRefused
            If the pointer was changed at the same time: the message comes again.
        """
        now = self.generations.current()
        if now.phase is not Phase.BUILDING or now.other is None or now.other.space_id != request.space_id:
            return WorkOutcome.DROPPED
        all_seen = self._look(now, now.other, remaining_seconds)
        if all_seen and tally(self.spaces, self.others, self.marks, now, now.other).is_complete:
            self.generations.flip(now)
            return WorkOutcome.DONE
        delay = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2 ** min(request.round, 10))
        self.maintenance.send(
            request.model_copy(update={"round": request.round + 1}), delay_seconds=int(delay)
        )
        return WorkOutcome.CONTINUED

    def _look(self, now: Generations, other: Generation, remaining_seconds: Callable[[], float]) -> bool:
        """Send what is missing; False where the time ended first, and the next look goes on."""
        for folder in self.spaces.all_folders():
            if folder.status is FolderStatus.ACTIVE and not folder.is_complete_in(other.space_id):
                if remaining_seconds() < RESERVE_SECONDS:
                    return False
                self._backfill(now, folder, other.space_id)
        for index in self.others.indexes():
            if remaining_seconds() < RESERVE_SECONDS:
                return False
            self._backfill_others(now, index, other.space_id)
        return True

    def _backfill(self, now: Generations, folder: FolderRecord, space_id: str) -> None:
        if not folder.spaces_revision:
            self.spaces.adopt(folder.folder_id, now.active.space_id)
            return  # the next look goes on with it
        at = int(self.clock())
        backfill = folder.backfills.get(space_id)
        if backfill is None:
            is_due = self.spaces.add(folder, space_id, at)
        else:
            is_due = at - backfill.touched_at > STALLED_SECONDS and self.spaces.claim(
                folder.folder_id, space_id, backfill, backfill.claimed, at
            )
        if is_due:
            self.maintenance.send(
                BackfillFolder(owner_id=folder.owner_id, folder_id=folder.folder_id, space_id=space_id)
            )

    def _backfill_others(self, now: Generations, index: str, space_id: str) -> None:
        at = int(self.clock())
        mark = _mark(self.marks, now, index, space_id)
        if mark is None or (not mark.is_complete and at - mark.touched_at > STALLED_SECONDS):
            begun = OtherMark(is_complete=False, left_out=0, touched_at=at, revision=now.revision)
            self.marks.put(space_id, index, begun)
            self.maintenance.send(BackfillOthers(index_key=index, space_id=space_id))


def tally(
    spaces: SpaceStore, others: OtherImageStore, marks: OtherMarkStore, now: Generations, other: Generation
) -> Tally:
    """Count what is embedded by now into a generation that is being built."""
    counts = dict.fromkeys(Tally.__dataclass_fields__, 0)
    for folder in spaces.all_folders():
        if folder.status is FolderStatus.ACTIVE:
            backfill = folder.backfills.get(other.space_id)
            complete = folder.is_complete_in(other.space_id)
            counts["folders_total"] += 1
            counts["folders_done"] += complete
            counts["images_total"] += folder.image_count
            done = folder.image_count if complete else backfill.done if backfill else 0
            counts["images_done"] += min(folder.image_count, done)
            counts["left_out"] += backfill.left_out if backfill else 0
    for index in others.indexes():
        mark = _mark(marks, now, index, other.space_id)
        counts["others_total"] += 1
        counts["others_done"] += mark is not None and mark.is_complete
        counts["left_out"] += mark.left_out if mark else 0
    return Tally(**counts)


def _mark(marks: OtherMarkStore, now: Generations, index: str, space_id: str) -> OtherMark | None:
    """Return how far an index is in the change that is under way."""
    mark = marks.get(space_id, index)
    return mark if mark is not None and mark.revision == now.revision else None
