"""The commit protocol: how an index changes, with any number of writers and no lock.

A commit writes its objects under random keys of its own, then swaps the manifest for one that names them,
by a conditional write. That swap is the linearization point. Whoever loses it reads again and retries.

* Whatever the answer to a swap was (success, 412, 409, 500, none at all), the next read of the manifest tells
  whether it happened: it names the attempt's objects or it does not. boto3 repeats requests by itself, so a
  412 may well be the echo of one's own success.
* A merge may have taken the objects out again meanwhile. Its log then says whose commits it stands for.
* No tag ever comes back: the sequence number rises with every manifest, so no two are alike.
* An object that a failed attempt has written stays: its swap may still be under way, and would name it.
  Sweeping what no manifest names is safe for objects older than twice the grace period, since an attempt
  stops swapping once it is older than one.
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

"""How old an attempt may grow: no function runs longer."""

_TIDY_EVERY = 8
_TIDY_TRIES = 3
"""How often a commit that is done tries to merge the newest ones, while its caller waits."""

_logger = logging.getLogger(__name__)


class IndexWriter:
    """Changes the indexes of one bucket.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    policy : RetryPolicy
        How often, and with which pauses, a swap is tried.
    grace_seconds : float
        Age at which an attempt gives up.
    merge_tails : bool
        Whether a commit now and then merges the newest ones, its own included.
    merge_readers : int
        How many objects such a merge reads at once.
    clock, sleep, rng
        Time in seconds, how to wait, and where jitter comes from; tests give their own.
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
            patience = self._swapper.policy
            tidying = replace(patience, tries=min(patience.tries, _TIDY_TRIES))
            self._merger = Merger(replace(self._swapper, policy=tidying), grace_seconds, merge_readers)

    def begin(self, key: IndexKey, version: int = 0) -> "Attempt":
        """Begin a change, before the work that it takes: the epoch read here is the one that must still hold.

        `version` is one that the index is known to have had. Were a commit added to what is older than that,
        its number would soon hide that the rest was lost.

        Raises
        ------
        FormatError
            If the manifest can't be read, was written by a later version, or is older than `version`.
        StoreError
            If the store refuses or does not answer.
        """
        expires = self._swapper.clock() + self._grace_seconds
        found = self._swapper.read(key)
        if lost := shortfall(found.manifest, version):
            raise ObjectMissing(f"{key.manifest}: {lost}")
        return Attempt(self._swapper, key, found.epoch, expires, self._merger)

    def create(self, key: IndexKey) -> Commit:
        """Make sure that an index exists; one that does stays as it is.

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
        """Empty an index and raise its epoch, so that attempts under way lose; also where there is none.

        The key of the manifest stays, and its sequence number goes on rising. A damaged manifest can be
        deleted too: its counters are unknown then, and continue from the clock's milliseconds, above any
        count.

        Raises
        ------
        CommitContended, StoreError
            As for :meth:`Attempt.commit`.
        ObjectForeign, ObjectUnsupported
            If the manifest is of another embedding space, or a later version wrote it.
        """
        attempt_id = new_attempt_id()
        first_epoch: int | None = None
        replaced: Manifest | None = None

        def follow(found: CurrentManifest) -> Manifest | Commit:
            nonlocal first_epoch, replaced
            if first_epoch is None:
                first_epoch = found.epoch
            if found.manifest and found.epoch > first_epoch:
                # Deleted since this began, by this very attempt (its answer lost) or by another: done.
                return Commit(found.sequence, found.epoch)
            replaced = found.manifest
            return Manifest.empty(key, attempt_id, epoch=found.epoch + 1, sequence=found.sequence + 1)

        commit = self._swapper.swap_until_done(key, follow, even_damaged=True)
        if replaced:
            self._remove_objects(key, replaced)
        return commit

    def _remove_objects(self, key: IndexKey, replaced: Manifest) -> None:
        """Remove what a replaced manifest named: nothing can name it again, and vectors are personal data."""
        names = sorted({key.object(name) for name in replaced.names()})
        if not names:
            return
        try:
            self._swapper.store.delete(names)
        except StoreError:
            # The index is empty all the same, and the sweep takes whatever no manifest names.
            _logger.warning(
                "%d objects of the deleted index %s are left to the sweep",
                len(names),
                key.prefix,
                exc_info=True,
            )


class Attempt:
    """A change under way. Make one with :meth:`IndexWriter.begin`.

    Attributes
    ----------
    key : IndexKey
        The index that changes.
    epoch : int
        The epoch that it was in when the attempt began.
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
        """Add vectors, remove images, or both in one step.

        An id in both is replaced. May be called again, for a further change in the same epoch.

        Parameters
        ----------
        added : VectorBatch, optional
            Vectors that become part of the index.
        removed : sequence of int
            Images that earlier commits may have added; ids that none did are harmless.

        Returns
        -------
        Commit
            Its version is the one from which readers see the change. It says whether compaction is due, now
            (one commit of several does) or at rest.

        Raises
        ------
        EpochChanged
            If the index was deleted since the attempt began.
        AttemptExpired
            If the attempt is older than the grace period.
        CommitContended
            If every try was lost to other writers or a failing store.
        ValueError
            If the vectors are not of the index's dimension, or an id is out of range.
        FormatError
            If the manifest can't be read, or was written by a later version.
        StoreError
            If the store refuses.
        """
        self._check_age()
        change = write_commit(self._swapper, self.key, added, tombstones.unique_ids(removed))
        commit = self._swapper.swap_until_done(self.key, lambda found: self._follow(found, change))
        return self._tidied(commit, change.seen)

    def _follow(self, found: CurrentManifest, change: StagedChange) -> Manifest | Commit:
        """Return the manifest with the change in it, or the commit where it has got in already."""
        manifest = found.manifest
        committed = self._committed(found, change)
        if committed is not None:
            return Commit(committed, found.epoch)
        if found.epoch != self.epoch:
            raise EpochChanged(
                f"{self.key.prefix} was deleted meanwhile: epoch {self.epoch} became {found.epoch}"
            )
        if not change.names:
            return Commit(found.sequence, found.epoch)
        self._check_age()
        if manifest is None:
            manifest = Manifest.empty(self.key, change.attempt_id, epoch=self.epoch, sequence=0)
        dimension = change.dimension or manifest.dimension
        if manifest.dimension not in (None, dimension):
            raise ValueError(f"{self.key.prefix} holds dimension {manifest.dimension}, not {dimension}")
        change.tried.add(found.sequence + 1)
        following = manifest.followed_by(change.attempt_id, dimension, change.segments, change.tombstones)
        change.seen = following
        return following

    def _committed(self, found: CurrentManifest, change: StagedChange) -> int | None:
        """Return under which sequence number the change got in, or None if it did not."""
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
        """Return under which sequence number the change got in, if a merge has absorbed it since."""
        for sequence in sorted(number for number in change.tried if number <= manifest.sequence):
            if commit_log.committed_as(self._swapper.store, self.key, manifest, change.attempt_id, sequence):
                return sequence
            # It was another writer's. Logs forget only what is older than an attempt grows.
            change.tried.discard(sequence)
        return None

    def _check_age(self) -> None:
        if self._swapper.clock() > self._expires:
            raise AttemptExpired(f"the attempt to change {self.key.prefix} is older than the grace period")

    def _tidied(self, commit: Commit, manifest: Manifest | None) -> Commit:
        """Merge the tail where that falls to this commit, and tell whether compaction is due.

        It falls to every eighth, so that of many writers who see a long tail one merges it.
        """
        if self._merger is None or manifest is None or manifest.epoch != commit.epoch:
            return commit
        commit = replace(commit, is_due_at_rest=next_window(manifest, at_rest=True) is not None)
        if commit.version % _TIDY_EVERY:
            return commit
        window = tail_window(manifest)
        if window is not None:
            try:
                self._merger.merge(self.key, manifest, window)
            except (GlimpseIndexError, InputUnusableError):
                # The change itself is committed, and the next writer or compaction merges what this did not.
                _logger.warning("the newest commits of %s were not merged", self.key.prefix, exc_info=True)
        return replace(commit, is_compaction_due=next_window(manifest) is not None)
