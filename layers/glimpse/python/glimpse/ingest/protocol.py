"""The ingest protocol: the order of steps by which every writer adds vectors to the indexes of a folder.

Uploads, requests of other functions, both backfills of a model change and imports of old installations all
use it, so that it is right in one place. A worker may be killed between any two steps, its message may be
delivered again, and others may write to the same indexes concurrently:

1. **Begin** an attempt in each index, which reads its epoch.
2. **Look at the owner**, and only then: does the folder still exist, and do its images still belong in these
   spaces? Erasing a folder hides it first and raises the epochs afterwards. So if the folder was alive after
   its epoch was read, and is erased before the commit, the commit fails (``EpochChanged``). In the opposite
   order, a late worker could bring back an erased folder's vectors.
3. **Prepare** the vectors. This is up to the caller, and may take minutes. It may also come first, as long as
   step 6 checks again everything that it relied on.
4. **Commit** to each index: add new vectors and remove those of replaced images, in one swap of the manifest.
   Anything that an earlier delivery may have committed counts as replaced, so a redelivery adds nothing
   twice.
5. **Raise the version** in the folder's record, after each commit and before it is reported as done: searches
   only revalidate indexes that are older than that version.
6. **Look again**, after the commits: images that were deleted since step 2 have no record any more, and
   nobody else knows about their vectors that were just committed. Images that still exist are marked as done
   here and no earlier, since searches must find an image once it is reported as done.
7. **Take back** deleted images: another commit, and its version. It fails if the index itself was deleted,
   and the vectors with it.

``EpochChanged`` means that an index was deleted during the attempt, and nothing of the attempt is left in it.
To continue, begin again at step 1; the look at the owner then shows whether only the index was deleted.

If an object was **replaced** between steps 3 and 4, there is a newer event, whose worker may have committed
before step 4 did. Then the older picture was committed last. So callers that read objects compare them again
after step 6, and ingest those that changed once more (at most :data:`ROUNDS` times; they change as fast as
people click).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from glimpse.index import Attempt, EpochChanged, IndexKey, IndexWriter, VectorBatch
from glimpse.queues import UpkeepRequests

ROUNDS = 6
"""How many deletions of an index, replacements of an image or changes of spaces one delivery handles."""

_T = TypeVar("_T")


class IndexVersions(Protocol):
    """The index versions in folder records; :class:`glimpse.records.FolderStore` implements this."""

    def raise_index_version(self, folder_id: int, space_id: str, version: int) -> None:
        """Store the version of a commit, unless the folder has a newer one, left the space or is gone."""


def indexes_of(
    namespace: str, user_id: int, folder_id: int, versions: Mapping[str, int]
) -> dict[IndexKey, int]:
    """Return a folder's indexes in some spaces, each with the version that it is known to have reached."""
    return {
        IndexKey(namespace, space_id, user_id, folder_id): version for space_id, version in versions.items()
    }


def no_records() -> Collection[int]:
    """Report no deleted images: for images without records, which only exist in their index."""
    return ()


@dataclass(frozen=True, slots=True)
class Ingest:
    """Adds vectors to indexes.

    Attributes
    ----------
    writer
        Begins changes of indexes.
    upkeep
        Is notified of every commit, and requests the upkeep that the index needs.
    folders
        Stores the indexes' versions; None for images of other backends, whose folders have no records.
    """

    writer: IndexWriter
    upkeep: UpkeepRequests
    folders: IndexVersions | None = None

    def begin(self, indexes: Mapping[IndexKey, int], look: Callable[[], _T]) -> "Ingestion[_T]":
        """Do steps 1 and 2.

        Parameters
        ----------
        indexes
            The folder's indexes, one per space, each with a version that it is known to have reached, or 0.
        look
            Looks up the owner by consistent reads, and returns what it finds: None if the owner is gone, so
            that nothing may be added.

        Raises
        ------
        FormatError
            If a manifest can't be read, or is older than the version.
        StoreError
            If the store refuses a request or does not answer.
        """
        attempts = {key.space_id: self.writer.begin(key, version) for key, version in indexes.items()}
        return Ingestion(self, attempts, look())

    def create(self, index: IndexKey) -> None:
        """Create an index unless it exists, and store its version in the folder; raises like a commit."""
        self._announce(index, self.writer.create(index).version)

    def _announce(self, index: IndexKey, version: int) -> None:
        if self.folders is not None:
            self.folders.raise_index_version(index.folder_id, index.space_id, version)


@dataclass(frozen=True, slots=True)
class Ingestion(Generic[_T]):
    """Changes in progress to the indexes of one folder, made by :meth:`Ingest.begin`.

    Attributes
    ----------
    attempts
        The attempts, by embedding space.
    seen
        What the look at the owner returned; None if the owner is gone.
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
        """Do steps 4 to 7. May be called again with images that have changed in the meantime.

        Parameters
        ----------
        added
            The vectors, by space; None or no entry for a space without any.
        replaced
            Images whose earlier vectors are removed from every index. Ids that an index does not have are
            harmless, but each adds a tombstone that compaction has to remove.
        look_again
            Reads the records of the images again, marks existing ones as done, and returns the deleted ones.
            It is called after the commits, even if there was nothing to commit.

        Returns
        -------
        dict
            The version from which searches see the change, by space; without indexes that did not change.

        Raises
        ------
        EpochChanged
            If an index was deleted in the meantime. The effects of `look_again` remain.
        AttemptExpired, CommitContended, FormatError, StoreError
            As for :meth:`glimpse.index.Attempt.commit`.
        ValueError
            If the owner is gone.
        """
        if self.seen is None:
            raise ValueError("the owner is gone, so nothing may be added")
        versions = {
            space_id: self._commit(attempt, added.get(space_id), replaced)
            for space_id, attempt in self.attempts.items()
            if replaced or added.get(space_id) is not None
        }
        return versions | self.take_back(look_again())

    def take_back(self, deleted: Collection[int]) -> dict[str, int]:
        """Remove images from every index, even if some indexes were deleted; raises like :meth:`bring`."""
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
        """Return the current versions of the indexes, by space; raises like :meth:`bring`."""
        return {space_id: attempt.commit().version for space_id, attempt in self.attempts.items()}

    def _commit(self, attempt: Attempt, added: VectorBatch | None, removed: Collection[int]) -> int:
        commit = attempt.commit(added, sorted(removed))
        self._ingest._announce(attempt.key, commit.version)
        self._ingest.upkeep.committed(attempt.key, commit)
        return commit.version
