"""What belongs to a space that is not used any more goes: folders' mention of it, its indexes, its model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from glimpse.generations import Generation
from glimpse.index import FormatError, IndexKey, ObjectStore
from glimpse.index.layout import ROOT
from glimpse.index.manifest import Manifest
from glimpse.messages import RetireSpace

from functions.embed.services.backfilling import RESERVE_SECONDS, Progress
from functions.embed.services.ports import BundleFiles, GenerationChanges, Maintenance, OtherMarks
from functions.embed.services.work import Tools

DELAY_SECONDS = 60
"""Searches that began before the pointer was changed are surely over by then: they take up to 28 s, and know
the pointer of a second ago."""

_MANY = 10_000_000


@dataclass(frozen=True, slots=True)
class Retirer:
    """Cleans up after a change of model.

    Attributes
    ----------
    tools, store
        Storage and indexes.
    generations
        The pointer.
    marks, files
        What else belongs to a generation.
    maintenance
        Takes what one invocation has no time for.
    """

    tools: Tools
    store: ObjectStore
    generations: GenerationChanges
    marks: OtherMarks
    files: BundleFiles
    maintenance: Maintenance

    def run(
        self,
        request: RetireSpace,
        *,
        receive_count: int,  # noqa: ARG002 - every step may be repeated
        remaining_seconds: Callable[[], float],
    ) -> Progress:
        """Remove a retired space, or as much of it as there is time for.

        First the folders leave it: from then on no upload begins to go there. Then its indexes are deleted,
        which raises their epochs, so that uploads that began before lose.
        """
        now = self.generations.current()
        retired = now.retired
        if retired is None or retired.space_id != request.space_id:
            return Progress.DROPPED
        for _ in self._steps(retired):
            if remaining_seconds() < RESERVE_SECONDS:
                self.maintenance.send(request)
                return Progress.CONTINUED
        if retired.bundle_digest != now.active.bundle_digest:
            self.files.remove(retired.bundle_digest)
        self.generations.forget_retired(now)
        return Progress.DONE

    def _steps(self, retired: Generation) -> Iterator[None]:
        for folder in self.tools.spaces.all_folders():
            if retired.space_id in folder.index_versions:
                self.tools.spaces.remove(folder.folder_id, retired.space_id)
                yield
        for index in self._indexes(retired.space_id):
            if self._holds_something(index):
                self.tools.writer.delete(index)
                yield
        for name in self.tools.others.indexes():
            self.marks.forget(retired.space_id, name)
            yield

    def _indexes(self, space_id: str) -> Iterator[IndexKey]:
        for namespace in self._children(ROOT):
            for owner in self._children(f"{ROOT}{namespace}/{space_id}/"):
                for folder in self._children(f"{ROOT}{namespace}/{space_id}/{owner}/"):
                    yield IndexKey(namespace, space_id, int(owner), int(folder))

    def _children(self, prefix: str) -> list[str]:
        return sorted(self.store.children(prefix, _MANY) or ())

    def _holds_something(self, index: IndexKey) -> bool:
        """Tell whether an index was not deleted yet; one that was is empty, and not in its first epoch."""
        stored = self.store.get(index.manifest)
        if stored is None:
            return False
        try:
            manifest = Manifest.parse(stored.data, index)
        except FormatError:
            return True
        return manifest.epoch == 0 or any(manifest.objects())
