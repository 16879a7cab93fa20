"""How vectors get into the indexes of a folder: one order of steps, for everybody who brings some.

Uploads, requests of other functions, both backfills of a model change and imports of old installations all go
through it, so that it is right in one place. A worker may be killed between any two steps, its message may be
delivered again, and others write to the same indexes at the same time:

1. **Begin** an attempt in each index, which reads its epoch.
2. **Look at the owner**, and only then: is the folder still there, and do its images still go to these
   spaces? Whoever erases a folder hides it first and raises the epochs afterwards. So if the folder was
   seen alive after its epoch was read, and is erased before the commit, then the commit loses
   (``EpochChanged``). Asked in the other order, a late worker could bring an erased folder's vectors back.
3. **Prepare** the vectors. This is the caller's, and may take minutes. It may also come first, as long as
   step 6 looks again at everything that it relied on.
4. **Commit** to each index: new vectors in and those of replaced images out, in one swap of the manifest.
   Whatever an earlier delivery may have committed counts as replaced, so a repetition adds nothing twice.
5. **Raise the version** that the folder's record holds, after each commit and before anybody is told that it
   is done: searches look again at indexes that are older than that version, and at no others.
6. **Look again**, after the commits: what was deleted since step 2 has no record any more, and nobody else
   knows of the vector that was just committed. What is still there is marked here, since from then on it
   may be reported as done, and a search has to find it.
7. **Take back** what was deleted: another commit, and its version. It loses where the index itself was
   deleted, and the vectors with it.

``EpochChanged`` says that an index was deleted under the attempt; nothing of it is left there. Whoever
wants to go on begins again at step 1, where the look at the owner tells whether it was only the index.

An object that was **replaced** between steps 3 and 4 has a newer event, whose worker may have committed
before step 4 did: then the older picture came last. Whoever reads objects compares them once more after
step 6, and brings those that changed again (:data:`ROUNDS` times at most; they change as fast as people
click).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from glimpse.index import Attempt, EpochChanged, IndexKey, IndexWriter, VectorBatch
from glimpse.queues import UpkeepRequests

ROUNDS = 6
"""How many deletions of an index, replacements of an image or changes of spaces one delivery follows."""

_T = TypeVar("_T")


class IndexVersions(Protocol):
    """Which versions of indexes the folders know; :class:`glimpse.records.FolderStore` is one."""

    def raise_index_version(self, folder_id: int, space_id: str, version: int) -> None:
        """Store the version of a commit, unless the folder knows a newer one, left the space or is gone."""


def indexes_of(
    namespace: str, user_id: int, folder_id: int, versions: Mapping[str, int]
) -> dict[IndexKey, int]:
    """Return a folder's indexes in some spaces, each with the version that it is known to have had."""
    return {
        IndexKey(namespace, space_id, user_id, folder_id): version for space_id, version in versions.items()
    }


def no_records() -> Collection[int]:
    """Look at nothing: for images that have no records, of which only their index tells."""
    return ()


@dataclass(frozen=True, slots=True)
class Ingest:
    """Brings vectors into indexes.

    Attributes
    ----------
    writer
        Begins changes of indexes.
    upkeep
        Is told of every commit, and asks for what the index needs.
    folders
        Holds the indexes' versions; None for images of other backends, whose folders have no records.
    """

    writer: IndexWriter
    upkeep: UpkeepRequests
    folders: IndexVersions | None = None

    def begin(self, indexes: Mapping[IndexKey, int], look: Callable[[], _T]) -> "Ingestion[_T]":
        """Do steps 1 and 2.

        Parameters
        ----------
        indexes
            The folder's indexes, one a space, each with a version that it is known to have had, or 0.
        look
            Asks for the owner, by consistent reads, and returns what was seen: None if it is gone, and
            nothing may be brought.

        Raises
        ------
        FormatError
            If a manifest can't be read, or is older than the version.
        StoreError
            If the store refuses or does not answer.
        """
        attempts = {key.space_id: self.writer.begin(key, version) for key, version in indexes.items()}
        return Ingestion(self, attempts, look())

    def create(self, index: IndexKey) -> None:
        """Make sure that an index exists and its folder knows its version; raises like a commit."""
        self._announce(index, self.writer.create(index).version)

    def _announce(self, index: IndexKey, version: int) -> None:
        if self.folders is not None:
            self.folders.raise_index_version(index.folder_id, index.space_id, version)


@dataclass(frozen=True, slots=True)
class Ingestion(Generic[_T]):
    """Changes under way, to the indexes of one folder. Make one with :meth:`Ingest.begin`.

    Attributes
    ----------
    attempts
        By embedding space.
    seen
        What the look at the owner returned; None if it is gone.
    """

    _ingest: Ingest
    attempts: Mapping[str, Attempt]
    seen: _T

    def bring(
        self,
        added: Mapping[str, VectorBatch | None],
        replaced: Collection[int],
        look_again: Callable[[], Collection[int]],
    ) -> dict[str, int]:
        """Do steps 4 to 7. May be called again, with images that changed meanwhile.

        Parameters
        ----------
        added
            By space, the vectors; None, or no such space, for none.
        replaced
            Images whose earlier vectors go, in every index. Ids that an index does not have are harmless, but
            each is a tombstone that compaction has to remove.
        look_again
            Reads the records of the images again, marks those that are there as done, and returns those that
            were deleted. It is called after the commits, also where there was nothing to commit.

        Returns
        -------
        dict
            By space, the version from which searches see the change; an index without change is left out.

        Raises
        ------
        EpochChanged
            If an index was deleted meanwhile. What `look_again` did stays done.
        AttemptExpired, CommitContended, FormatError, StoreError
            As for :meth:`glimpse.index.Attempt.commit`.
        ValueError
            If the owner is gone.
        """
        if self.seen is None:
            raise ValueError("nothing may be brought to an owner that is gone")
        versions = {
            space_id: self._commit(attempt, added.get(space_id), replaced)
            for space_id, attempt in self.attempts.items()
            if replaced or added.get(space_id) is not None
        }
        return versions | self.take_back(look_again())

    def take_back(self, deleted: Collection[int]) -> dict[str, int]:
        """Remove images from every index, whatever was deleted of the others; raises like :meth:`bring`."""
        versions, lost = {}, None
        for space_id, attempt in self.attempts.items() if deleted else ():
            try:
                versions[space_id] = self._commit(attempt, None, deleted)
            except EpochChanged as error:
                lost = error
        if lost is not None:
            raise lost
        return versions

    def versions(self) -> dict[str, int]:
        """Return the versions of the indexes as they are, by space; raises like :meth:`bring`."""
        return {space_id: attempt.commit().version for space_id, attempt in self.attempts.items()}

    def _commit(self, attempt: Attempt, added: VectorBatch | None, removed: Collection[int]) -> int:
        commit = attempt.commit(added, sorted(removed))
        self._ingest._announce(attempt.key, commit.version)
        self._ingest.upkeep.committed(attempt.key, commit)
        return commit.version
