"""The commit protocol: lock-free changes of an index by any number of concurrent writers.

A commit writes its objects under random keys, then replaces the manifest with one that names them, by a
conditional put (compare-and-swap). That swap is the linearization point. A writer that loses it reads the
manifest again and retries.

* The response to a swap (success, 412, 409, 500 or none) doesn't settle whether it happened. The next read of
  the manifest does: it names the attempt's objects, or it does not. boto3 retries requests itself, so a 412
  may only mean that the writer's own earlier request succeeded.
* A merge may have replaced the objects in the meantime. Its log then lists the commits that it absorbed.
* There is no ABA problem: the sequence number rises with every manifest, so no two manifests, and no two
  ETags, are the same.
* Objects of a failed attempt stay: its swap may still be in flight, and would name them. Unreferenced objects
  can be swept safely once they are older than twice the grace period, because an attempt stops swapping when
  it is older than one.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from glimpse.index.commit.manifest_cas import Commit, CurrentManifest, RetryPolicy, Swapper
from glimpse.index.commit.staged_objects import StagedChange, write_commit
from glimpse.index.compaction.merge import InputUnusableError, Merger
from glimpse.index.compaction.policy import next_window, tail_window
from glimpse.index.compaction.sweep import GRACE_SECONDS
from glimpse.index.errors import AttemptExpired, EpochChanged, GlimpseIndexError, ObjectMissing, StoreError
from glimpse.index.format import commit_log, tombstones
from glimpse.index.format.manifest import Manifest, shortfall
from glimpse.index.layout import IndexKey, new_attempt_id
from glimpse.index.store.object_store import ObjectStore
from glimpse.index.vectors import VectorBatch

_TAIL_MERGE_EVERY = 8
_TAIL_MERGE_TRIES = 3
"""Tries of a tail merge, which runs after the commit while the caller waits."""

_logger = logging.getLogger(__name__)


class IndexWriter:
    """Changes the indexes in one bucket.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    policy : RetryPolicy
        How many times a swap is tried, and the backoff between tries.
    grace_seconds : float
        Age at which an attempt gives up.
    merge_tails : bool
        Whether some commits also merge the newest commits, including their own.
    merge_readers : int
        How many objects a tail merge reads in parallel.
    clock, sleep, rng
        Time in seconds, the wait between tries, and the source of jitter; tests pass their own.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        policy: RetryPolicy | None = None,
        grace_seconds: float = GRACE_SECONDS,
        merge_tails: bool = True,
        merge_readers: int = 8,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        jitter = rng or random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._swapper = Swapper(store, policy or RetryPolicy(), clock, sleep, jitter)
        self._grace_seconds = grace_seconds
        self._merger: Merger | None = None
        if merge_tails:
            policy_in_use = self._swapper.policy
            tail_policy = replace(policy_in_use, tries=min(policy_in_use.tries, _TAIL_MERGE_TRIES))
            self._merger = Merger(replace(self._swapper, policy=tail_policy), grace_seconds, merge_readers)

    def begin(self, key: IndexKey, version: int = 0) -> "Attempt":
        """Begin a change; call this before the work that produces it.

        The commit fails if the index has left the epoch that is read here.

        `version` is a version that the index is known to have reached. An older manifest means that commits
        were lost, and committing on top of it would soon hide that.

        Raises
        ------
        FormatError
            If the manifest can't be read, was written by a later version, or is older than `version`.
        StoreError
            If the store refuses the request or does not answer.
        """
        expires = self._swapper.clock() + self._grace_seconds
        found = self._swapper.read(key)
        if lost := shortfall(found.manifest, version):
            raise ObjectMissing(f"{key.manifest}: {lost}")
        return Attempt(self._swapper, key, found.epoch, expires, self._merger)

    def create(self, key: IndexKey) -> Commit:
        """Create an index unless it exists already.

        Raises
        ------
        CommitContended, FormatError, StoreError
            As for :meth:`Attempt.commit`.
        """
        attempt_id = new_attempt_id()

        def follow(found: CurrentManifest) -> Manifest | Commit:
            if found.manifest:
                return Commit(found.sequence, found.epoch)
            return Manifest.empty(key, attempt_id, epoch=0, sequence=1)

        return self._swapper.swap_until_done(key, follow)

    def delete(self, key: IndexKey) -> Commit:
        """Empty an index and raise its epoch, so that attempts in flight fail. The index need not exist.

        The manifest's key stays, and its sequence number keeps rising. A damaged manifest can be deleted too:
        its counters are unknown, so they continue from the clock in milliseconds, which exceeds any count.

        Raises
        ------
        CommitContended, StoreError
            As for :meth:`Attempt.commit`.
        ObjectForeign, ObjectUnsupported
            If the manifest belongs to another embedding space, or a later version wrote it.
        """
        attempt_id = new_attempt_id()
        first_epoch: int | None = None
        replaced: Manifest | None = None

        def follow(found: CurrentManifest) -> Manifest | Commit:
            nonlocal first_epoch, replaced
            if first_epoch is None:
                first_epoch = found.epoch
            if found.manifest and found.epoch > first_epoch:
                # Already deleted, by this attempt (the response was lost) or by another one.
                return Commit(found.sequence, found.epoch)
            replaced = found.manifest
            return Manifest.empty(key, attempt_id, epoch=found.epoch + 1, sequence=found.sequence + 1)

        commit = self._swapper.swap_until_done(key, follow, even_damaged=True)
        if replaced:
            self._remove_objects(key, replaced)
        return commit

    def _remove_objects(self, key: IndexKey, replaced: Manifest) -> None:
        """Remove a replaced manifest's objects: none can be named again, and vectors are personal data."""
        names = sorted({key.object(name) for name in replaced.names()})
        if not names:
            return
        try:
            self._swapper.store.delete(names)
        except StoreError:
            # The index is empty regardless, and a sweep removes unreferenced objects.
            _logger.warning(
                "%d objects of the deleted index %s could not be removed; a sweep will remove them",
                len(names),
                key.prefix,
                exc_info=True,
            )


class Attempt:
    """A change in progress, made by :meth:`IndexWriter.begin`.

    Attributes
    ----------
    key : IndexKey
        The index to change.
    epoch : int
        The index's epoch when the attempt began.
    """

    def __init__(
        self, swapper: Swapper, key: IndexKey, epoch: int, expires: float, merger: Merger | None
    ) -> None:
        self.key = key
        self.epoch = epoch
        self._swapper = swapper
        self._merger = merger
        self._expires = expires

    def commit(self, added: VectorBatch | None = None, removed: Sequence[int] = ()) -> Commit:
        """Add vectors, remove images, or do both atomically.

        An image in both is replaced. The method may be called again for a further change in the same epoch.

        Parameters
        ----------
        added : VectorBatch, optional
            Vectors to add.
        removed : sequence of int
            Images to remove; ids that are not in the index are ignored.

        Returns
        -------
        Commit
            Readers see the change from its version on. It also says whether compaction is due, either now
            (one commit in eight reports this) or once no more commits arrive.

        Raises
        ------
        EpochChanged
            If the index was deleted after the attempt began.
        AttemptExpired
            If the attempt is older than the grace period.
        CommitContended
            If every try lost to another writer or hit a failing store.
        ValueError
            If the vectors' dimension is not the index's, or an id is out of range.
        FormatError
            If the manifest can't be read, or was written by a later version.
        StoreError
            If the store refuses a request.
        """
        self._check_age()
        change = write_commit(self._swapper, self.key, added, tombstones.unique_ids(removed))
        commit = self._swapper.swap_until_done(self.key, lambda found: self._follow(found, change))
        return self._with_tail_merged(commit, change.seen)

    def _follow(self, found: CurrentManifest, change: StagedChange) -> Manifest | Commit:
        """Return the manifest with the change in it, or the commit if the change is in already."""
        manifest = found.manifest
        committed = self._committed(found, change)
        if committed is not None:
            return Commit(committed, found.epoch)
        if found.epoch != self.epoch:
            raise EpochChanged(
                f"{self.key.prefix} was deleted in the meantime: epoch {self.epoch} became {found.epoch}"
            )
        if not change.names:
            return Commit(found.sequence, found.epoch)
        self._check_age()
        if manifest is None:
            manifest = Manifest.empty(self.key, change.attempt_id, epoch=self.epoch, sequence=0)
        dimension = change.dimension or manifest.dimension
        if manifest.dimension not in (None, dimension):
            raise ValueError(
                f"{self.key.prefix} holds vectors of dimension {manifest.dimension}, not {dimension}"
            )
        change.tried.add(found.sequence + 1)
        following = manifest.followed_by(change.attempt_id, dimension, change.segments, change.tombstones)
        change.seen = following
        return following

    def _committed(self, found: CurrentManifest, change: StagedChange) -> int | None:
        """Return the sequence number under which the change was committed, or None if it was not."""
        manifest = found.manifest
        if manifest is None:
            return None
        committed = manifest.sequence_of(change.names)
        if committed is None and found.epoch == self.epoch:
            committed = self._absorbed(manifest, change)
        if committed is not None:
            change.seen = manifest
        return committed

    def _absorbed(self, manifest: Manifest, change: StagedChange) -> int | None:
        """Return the sequence number of the change if it was committed and a merge has absorbed it since."""
        for sequence in sorted(number for number in change.tried if number <= manifest.sequence):
            if commit_log.committed_as(self._swapper.store, self.key, manifest, change.attempt_id, sequence):
                return sequence
            # Another writer's commit took this number. Logs only drop rows older than any live attempt.
            change.tried.discard(sequence)
        return None

    def _check_age(self) -> None:
        if self._swapper.clock() > self._expires:
            raise AttemptExpired(f"the attempt to change {self.key.prefix} is older than the grace period")

    def _with_tail_merged(self, commit: Commit, manifest: Manifest | None) -> Commit:
        """Merge the tail if it is this commit's turn, and say whether compaction is due.

        Only every eighth commit takes a turn, so that many writers who see a long tail don't all merge it.
        """
        if self._merger is None or manifest is None or manifest.epoch != commit.epoch:
            return commit
        commit = replace(commit, is_due_at_rest=next_window(manifest, at_rest=True) is not None)
        if commit.version % _TAIL_MERGE_EVERY:
            return commit
        window = tail_window(manifest)
        if window is not None:
            try:
                self._merger.merge(self.key, manifest, window)
            except (GlimpseIndexError, InputUnusableError):
                # The change itself is committed, and the next tail merge or compaction does this one's work.
                _logger.warning("the newest commits of %s were not merged", self.key.prefix, exc_info=True)
        return replace(commit, is_compaction_due=next_window(manifest) is not None)
