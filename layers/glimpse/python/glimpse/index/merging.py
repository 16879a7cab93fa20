"""Merging neighbours in the log of an index into one, while writers go on.

A merge takes the place of commits that nobody changes any more, so it conflicts with nothing but another
merge of one of them, and then gives up. What is searchable stays the same, now and under any later commit:

* The merge gets the highest sequence number of what it merges. Between its first and its last there is
  nothing else, so younger tombstones mask all of it, and older ones none of it, as before.
* A vector is left out if a tombstone among them masks it. Of several of one image the newest stays.
* Their tombstones stay, in one object, unless nothing in the index is older.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from glimpse.index import contents, history
from glimpse.index.changes import write_merge
from glimpse.index.errors import AttemptExpired, Conflict, FormatError, ObjectMissing
from glimpse.index.layout import IndexKey
from glimpse.index.manifest import Manifest, ObjectEntry
from glimpse.index.segment import Ids, VectorBatch
from glimpse.index.swap import Commit, Found, Swapper
from glimpse.index.tiers import Window

T = TypeVar("T")
U = TypeVar("U")

_NO_IDS: Ids = np.empty(0, np.int64)
_FRESH_FACTOR = 2
"""Logs keep a commit for this many grace periods."""


class InputUnusableError(Exception):
    """An object that should be merged can't be read.

    Attributes
    ----------
    name : str
        What the manifest calls it.
    reason : FormatError
        What is wrong with it.
    """

    def __init__(self, name: str, reason: FormatError) -> None:
        super().__init__(f"{name} can't be used: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges windows of one bucket's indexes.

    Attributes
    ----------
    swapper : Swapper
        How the index is changed.
    grace_seconds : float
        How long one merge may take.
    readers : int
        How many objects are read at once.
    """

    swapper: Swapper
    grace_seconds: float
    readers: int = 8

    def merge(self, key: IndexKey, manifest: Manifest, window: Window) -> Commit | None:
        """Merge a window of `manifest`, and return the commit; None if another merge was faster.

        Raises
        ------
        InputUnusableError
            If an object can't be read, and is still part of the index.
        AttemptExpired
            If it took longer than the grace period.
        CommitContended, FormatError, StoreError
            As for :meth:`glimpse.index.writer.Attempt.commit`.
        """
        began = self.swapper.clock()
        inputs = frozenset(entry.key for entry in window.entries)
        oldest = began - _FRESH_FACTOR * self.grace_seconds
        try:
            merged, removed = self._merged(key, manifest, window)
            rows = history.absorbed(self.swapper.store, key, window, began, oldest)
        except (InputUnusableError, Conflict) as error:
            if not self._holds(key, manifest.epoch, inputs):
                return None  # it was merged, and swept or deleted, while this read it
            if isinstance(error, Conflict):
                raise ObjectMissing(str(error)) from error
            raise
        if not self._holds(key, manifest.epoch, inputs):
            return None
        span = window.spans[0].first, window.spans[-1].sequence
        change = write_merge(self.swapper, key, merged, removed, rows, span)
        given_up = False

        def follow(found: Found) -> Manifest | Commit:
            nonlocal given_up
            now = found.manifest
            if now and change.names and now.sequence_of(change.names) is not None:
                return Commit(now.sequence, now.epoch)
            if now is None or not _names_all(now, manifest.epoch, inputs):
                given_up = True
                return Commit(found.sequence, found.epoch)
            if self.swapper.clock() > began + self.grace_seconds:
                raise AttemptExpired(f"merging {key.prefix} took longer than the grace period")
            return now.with_merged(change.attempt_id, inputs, change.segments, change.tombstones)

        commit = self.swapper.swap_until_done(key, follow)
        return None if given_up else commit

    def _holds(self, key: IndexKey, epoch: int, inputs: frozenset[str]) -> bool:
        found = self.swapper.read(key)
        return found.manifest is not None and _names_all(found.manifest, epoch, inputs)

    def _merged(self, key: IndexKey, manifest: Manifest, window: Window) -> tuple[VectorBatch, Ids]:
        """Return the vectors that are left, and the tombstones that stay."""
        store = self.swapper.store
        masks = [(span.sequence, entry) for span in window.spans for entry in span.tombstones]
        parts = [(span.sequence, entry) for span in window.spans for entry in span.segments]
        removed = self._each([e for _, e in masks], lambda e: contents.read_tombstones(store, key, e))
        batches = self._each(
            [e for _, e in parts], lambda e: contents.read_segment(store, key, e, manifest.dimension)
        )
        merged = merge_batches(
            list(zip((sequence for sequence, _ in parts), batches, strict=True)),
            list(zip((sequence for sequence, _ in masks), removed, strict=True)),
            manifest.dimension or 0,
        )
        if window.is_oldest or not removed:
            return merged, _NO_IDS
        return merged, np.unique(np.concatenate(removed))

    def _each(self, entries: list[ObjectEntry], read: Callable[[ObjectEntry], T]) -> list[T]:
        """Read objects, several at once."""

        def named(entry: ObjectEntry) -> T:
            try:
                return read(entry)
            except FormatError as error:
                raise InputUnusableError(entry.key, error) from error

        return list(_mapped(named, entries, self.readers))


def merge_batches(
    batches: list[tuple[int, VectorBatch]], masks: list[tuple[int, Ids]], dimension: int
) -> VectorBatch:
    """Return the vectors that a search over segments and tombstones can find, one per image.

    Parameters
    ----------
    batches : list of (int, VectorBatch)
        Segments with their sequence numbers.
    masks : list of (int, (m,) int64)
        Tombstones with theirs: each masks its ids in segments of a lower number.
    dimension : int
        Of the vectors, where there are none.
    """
    if not batches:
        return VectorBatch(_NO_IDS, np.empty((0, dimension), np.float32), _NO_IDS)
    image_ids = np.concatenate([batch.image_ids for _, batch in batches])
    sequences = np.concatenate([np.full(len(batch), sequence) for sequence, batch in batches])
    rows = surviving_rows(image_ids, sequences, masks)
    return VectorBatch(
        image_ids[rows],
        np.concatenate([batch.vectors for _, batch in batches])[rows],
        np.concatenate([batch.taken_at for _, batch in batches])[rows],
    )


def surviving_rows(image_ids: Ids, sequences: Ids, masks: list[tuple[int, Ids]]) -> Ids:
    """Return which rows a search can find: the newest of each image, unless a tombstone masks it.

    Parameters
    ----------
    image_ids, sequences : (n,) int64
        Of each row its image, and the sequence number of its segment.
    masks : list of (int, (m,) int64)
        As for :func:`merge_batches`.

    Returns
    -------
    (k,) int64
        Row numbers, in the order of the image ids.
    """
    alive = sequences >= _masked_up_to(image_ids, masks)
    # Rows ordered by image, the newest first.
    order = np.lexsort((-sequences, image_ids))
    order = order[alive[order]]
    is_newest = np.ones(len(order), np.bool_)
    is_newest[1:] = image_ids[order][1:] != image_ids[order][:-1]
    rows: Ids = order[is_newest]
    return rows


def _masked_up_to(image_ids: Ids, masks: list[tuple[int, Ids]]) -> Ids:
    """Return for each row below which sequence number its image is masked; 0 where it is not."""
    limits = np.zeros(len(image_ids), np.int64)
    if not masks:
        return limits
    ids = np.concatenate([ids for _, ids in masks])
    numbers = np.concatenate([np.full(len(ids), sequence) for sequence, ids in masks])
    order = np.lexsort((numbers, ids))
    ids, numbers = ids[order], numbers[order]
    # Ascending numbers within an id: the place before the next id holds the highest.
    places = np.searchsorted(ids, image_ids, side="right") - 1
    hit = (places >= 0) & (ids[places] == image_ids) if len(ids) else np.zeros(len(image_ids), np.bool_)
    limits[hit] = numbers[places[hit]]
    return limits


def _names_all(manifest: Manifest, epoch: int, inputs: frozenset[str]) -> bool:
    return manifest.epoch == epoch and inputs <= {entry.key for entry in manifest.objects()}


def _mapped(function: Callable[[T], U], items: Iterable[T], workers: int) -> Iterable[U]:
    if workers <= 1:
        return map(function, items)
    with ThreadPoolExecutor(workers, thread_name_prefix="merge") as pool:
        return list(pool.map(function, items))
