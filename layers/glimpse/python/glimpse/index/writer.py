"""The commit protocol: how an index changes, with any number of writers and no lock.

A commit writes its objects under random keys of its own, then swaps the manifest for one that names them,
by a conditional write. That swap is the linearization point. Whoever loses it reads again and retries.

* Whatever the answer to a swap was (success, 412, 409, 500, none at all), the next read of the manifest tells
  whether it happened: it names the attempt's objects or it does not. boto3 repeats requests by itself, so a
  412 may well be the echo of one's own success.
* No tag ever comes back: the sequence number rises with every manifest, so no two are alike.
* An object that a failed attempt has written stays: its swap may still be under way, and would name it.
  Sweeping what no manifest names is safe for objects older than twice the grace period, since an attempt
  stops swapping once it is older than one.
"""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from glimpse.index import segment, tombstones
from glimpse.index.errors import AttemptExpired, EpochChanged, StoreError
from glimpse.index.layout import IndexKey, new_attempt_id, segment_name, tombstones_name
from glimpse.index.manifest import Manifest, ObjectEntry
from glimpse.index.segment import Ids, VectorBatch
from glimpse.index.store import ObjectStore
from glimpse.index.swap import Commit, Found, RetryPolicy, Swapper

GRACE_SECONDS = 900.0
"""How old an attempt may grow: no function runs longer."""

_logger = logging.getLogger(__name__)


class _Kind(Protocol):
    """A module that writes one kind of object."""

    KIND: str
    FORMAT_VERSION: int


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
    clock, sleep, rng
        Time in seconds, how to wait, and where jitter comes from; tests give their own.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        policy: RetryPolicy | None = None,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        jitter = rng or random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._swapper = Swapper(store, policy or RetryPolicy(), clock, sleep, jitter)
        self._grace_seconds = grace_seconds

    def begin(self, key: IndexKey) -> "Attempt":
        """Begin a change, before the work that it takes: the epoch read here is the one that must still hold.

        Raises
        ------
        FormatError
            If the manifest can't be read, or was written by a later version.
        StoreError
            If the store refuses or does not answer.
        """
        expires = self._swapper.clock() + self._grace_seconds
        return Attempt(self._swapper, key, self._swapper.read(key).epoch, expires)

    def create(self, key: IndexKey) -> Commit:
        """Make sure that an index exists; one that does stays as it is.

        Raises
        ------
        CommitContended, FormatError, StoreError
            As for :meth:`Attempt.commit`.
        """
        attempt_id = new_attempt_id()

        def follow(found: Found) -> Manifest | Commit:
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

        def follow(found: Found) -> Manifest | Commit:
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
        names = [key.object(entry.key) for entry in replaced.objects()]
        if not names:
            return
        try:
            self._swapper.store.delete(names)
        except StoreError:
            # The index is empty all the same, and the sweep takes whatever no manifest names.
            _logger.warning(
                "%d objects of the deleted index %s stay for now", len(names), key.prefix, exc_info=True
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

    def __init__(self, swapper: Swapper, key: IndexKey, epoch: int, expires: float) -> None:
        self.key = key
        self.epoch = epoch
        self._swapper = swapper
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
            Its version is the one from which readers see the change.

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
        change = self._write(added, tombstones.unique_ids(removed))
        return self._swapper.swap_until_done(self.key, lambda found: self._follow(found, change))

    def _follow(self, found: Found, change: "_Change") -> Manifest | Commit:
        """Return the manifest with the change in it, or the commit where it is in there already."""
        manifest = found.manifest
        committed = manifest.sequence_of(change.names) if manifest else None
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
        return manifest.followed_by(change.attempt_id, dimension, change.segments, change.tombstones)

    def _check_age(self) -> None:
        if self._swapper.clock() > self._expires:
            raise AttemptExpired(f"the attempt to change {self.key.prefix} is older than the grace period")

    def _write(self, added: VectorBatch | None, removed: Ids) -> "_Change":
        """Write the objects of a change, under keys that nobody else has."""
        attempt_id = new_attempt_id()
        segments: tuple[ObjectEntry, ...] = ()
        masks: tuple[ObjectEntry, ...] = ()
        dimension = None
        if added is not None and len(added):
            dimension = added.dimension
            data = segment.encode(added, self.key.space_id)
            segments = (_entry(segment_name(attempt_id), segment, len(added), data),)
            self._swapper.put_immutable(self.key.object(segments[0].key), data)
        if len(removed):
            data = tombstones.encode(removed)
            masks = (_entry(tombstones_name(attempt_id), tombstones, len(removed), data),)
            self._swapper.put_immutable(self.key.object(masks[0].key), data)
        return _Change(attempt_id, dimension, segments, masks)


@dataclass(frozen=True, slots=True)
class _Change:
    """What an attempt has written, and wants the manifest to name."""

    attempt_id: str
    dimension: int | None
    segments: tuple[ObjectEntry, ...]
    tombstones: tuple[ObjectEntry, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(entry.key for entry in self.segments + self.tombstones)


def _entry(name: str, kind: _Kind, count: int, data: bytes) -> ObjectEntry:
    """Describe an object for the manifest; its sequence number is the swap's to give."""
    return ObjectEntry(
        key=name,
        kind=kind.KIND,
        format_version=kind.FORMAT_VERSION,
        sequence=0,
        count=count,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
