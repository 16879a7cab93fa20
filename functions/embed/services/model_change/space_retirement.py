"""What belongs to a space that is not used any more goes: folders' mention of it, its indexes, its model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from glimpse.generations import Generation, GenerationStore, OtherMarkStore
from glimpse.index import IndexKey, IndexWriter, ObjectStore, list_indexes
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import RetireSpace
from glimpse.queues import WorkOutcome
from glimpse.records import OtherImageStore, SpaceStore

from functions.embed.services.model_change.folder_backfill import RESERVE_SECONDS
from functions.embed.storage.bundles import BundleBucket

DELAY_SECONDS = 60
"""Searches that began before the pointer was changed are surely over by then: they take up to 28 s, and know
the pointer of a second ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirer:
    """Cleans up after a change of model.

    Attributes
    ----------
    spaces, others
        Folders with their spaces, and images of other backends.
    writer, store, namespace
        The indexes; the namespace is that of the folders.
    generations
        The pointer.
    marks, files
        What else belongs to a generation.
    maintenance
        Takes what one invocation has no time for.
    """

    spaces: SpaceStore
    others: OtherImageStore
    writer: IndexWriter
    store: ObjectStore
    namespace: str
    generations: GenerationStore
    marks: OtherMarkStore
    files: BundleBucket
    maintenance: MaintenanceQueue

    def run(
        self,
        request: RetireSpace,
        *,
        receive_count: int,  # noqa: ARG002 - every step may be repeated
        remaining_seconds: Callable[[], float],
    ) -> WorkOutcome:
        """Remove a retired space, or as much of it as there is time for.

        Each folder leaves it: from then on no upload begins to go there. Before and after that its index is
        deleted, which raises its epoch: uploads and backfills that began earlier lose, also where there was
        no index yet, and also where this crashes in between. Then all indexes that are left are deleted.
        """
        now = self.generations.current()
        retired = now.retired
        if retired is None or retired.space_id != request.space_id:
            return WorkOutcome.DROPPED
        for after in self._steps(retired, request.after):
            if remaining_seconds() < RESERVE_SECONDS:
                self.maintenance.send(request.model_copy(update={"after": after}))
                return WorkOutcome.CONTINUED
        if retired.bundle_digest != now.active.bundle_digest:
            self.files.remove(retired.bundle_digest)
        self.generations.forget_retired(now)
        return WorkOutcome.DONE

    def _steps(self, retired: Generation, after: str) -> Iterator[str]:
        """Do one step after another, and yield each time what the rest may begin after."""
        for folder in self.spaces.all_folders():
            if retired.space_id in folder.index_versions:
                index = IndexKey(self.namespace, retired.space_id, folder.owner_id, folder.folder_id)
                self.writer.delete(index)
                self.spaces.remove(folder.folder_id, retired.space_id)
                self.writer.delete(index)
                yield after
        for index in list_indexes(self.store, space_id=retired.space_id, after=after):
            self.writer.delete(index)
            yield index.prefix
        for name in self.others.indexes():
            self.marks.forget(retired.space_id, name)
            yield "~"  # after every prefix
