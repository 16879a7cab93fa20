"""Merges adjacent spans of an index into one, while writers carry on.

A merge replaces commits, which never change. So it can only conflict with another merge of the same commits,
and then it gives up. It never changes what is searchable, now or after any later commit:

* The merge takes the highest sequence number of its inputs, which are contiguous. So younger tombstones mask
  all of it, and older ones none of it, as before.
* It drops vectors that one of its tombstones masks, and keeps only the newest vector of each image.
* It keeps its tombstones, in one object, unless nothing in the index is older.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from glimpse.index.commit.manifest_cas import Commit, CurrentManifest, Swapper
from glimpse.index.commit.staged_objects import write_merge
from glimpse.index.compaction.merge_buffer import MergeBuffer, StoredRows
from glimpse.index.compaction.policy import MergeWindow
from glimpse.index.errors import AttemptExpired, Conflict, FormatError, ObjectMissing
from glimpse.index.format import commit_log
from glimpse.index.format.manifest import Manifest, ObjectEntry
from glimpse.index.format.visibility import visible_rows
from glimpse.index.layout import IndexKey
from glimpse.index.segments import verified_read
from glimpse.index.vectors import Ids

T = TypeVar("T")
U = TypeVar("U")

_NO_IDS: Ids = np.empty(0, np.int64)
_LOG_GRACE_PERIODS = 2
"""A log keeps a commit for this many grace periods."""


class InputUnusableError(Exception):
    """An input of a merge can't be read.

    Attributes
    ----------
    name : str
        The object's name in the manifest.
    reason : FormatError
        What is wrong with it.
    """

    def __init__(self, name: str, reason: FormatError) -> None:
        super().__init__(f"{name} can't be used: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges windows of spans, in the indexes of one bucket.

    Attributes
    ----------
    swapper : Swapper
        Reads and swaps the manifest.
    grace_seconds : float
        How long a merge may take.
    readers : int
        How many objects to read in parallel.
    """

    swapper: Swapper
    grace_seconds: float
    readers: int = 8

    def merge(self, key: IndexKey, manifest: Manifest, window: MergeWindow) -> Commit | None:
        """Merge a window of `manifest` and return the commit, or None if another merge was faster.

        Raises
        ------
        InputUnusableError
            If an input can't be read although it is still part of the index.
        AttemptExpired
            If the merge took longer than the grace period.
        CommitContended, FormatError, StoreError
            As for :meth:`glimpse.index.writer.Attempt.commit`.
        """
        began = self.swapper.clock()
        inputs = frozenset(entry.key for entry in window.entries)
        try:
            merged, removed = self._merged(key, manifest, window)
            rows = self._log(key, window, began)
        except InputUnusableError:
            if not self._holds(key, manifest.epoch, inputs):
                return None  # merged by another and swept, or deleted, while this merge read it
            raise
        if not self._holds(key, manifest.epoch, inputs):
            return None
        span = window.spans[0].first, window.spans[-1].sequence
        change = write_merge(self.swapper, key, merged, removed, rows, span)
        given_up = False

        def follow(found: CurrentManifest) -> Manifest | Commit:
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

    def _merged(self, key: IndexKey, manifest: Manifest, window: MergeWindow) -> tuple[StoredRows, Ids]:
        """Return the surviving vectors, and the ids whose tombstones must be kept."""
        store = self.swapper.store
        masks = [(span.sequence, entry) for span in window.spans for entry in span.tombstones]
        parts = [(span.sequence, entry) for span in window.spans for entry in span.segments]
        removed = self._each([e for _, e in masks], lambda _, e: verified_read.read_tombstones(store, key, e))
        counts = [entry.count for _, entry in parts]
        buffer = MergeBuffer(counts, manifest.dimension or 0)
        self._each(
            [e for _, e in parts],
            lambda place, e: buffer.fill(place, verified_read.read_pieces(store, key, e, manifest.dimension)),
        )
        sequences = np.repeat(np.array([sequence for sequence, _ in parts], np.int64), counts)
        numbered = list(zip((sequence for sequence, _ in masks), removed, strict=True))
        merged = buffer.rows(visible_rows(buffer.image_ids, sequences, numbered))
        if window.is_oldest or not removed:
            return merged, _NO_IDS
        return merged, np.unique(np.concatenate(removed))

    def _log(self, key: IndexKey, window: MergeWindow, began: float) -> commit_log.AttemptRows:
        """Return the log rows of the commits that a merge absorbs."""
        oldest = began - _LOG_GRACE_PERIODS * self.grace_seconds
        parts = []
        for span in window.spans:
            try:
                parts.append(commit_log.absorbed(self.swapper.store, key, span, began, oldest))
            except (Conflict, FormatError) as error:
                reason = error if isinstance(error, FormatError) else ObjectMissing(str(error))
                raise InputUnusableError(span.entries[0].key, reason) from error
        return np.concatenate(parts)

    def _each(self, entries: list[ObjectEntry], read: Callable[[int, ObjectEntry], T]) -> list[T]:
        """Call `read` with the position of each entry and the entry, in parallel, and return the results."""

        def named(numbered: tuple[int, ObjectEntry]) -> T:
            place, entry = numbered
            try:
                return read(place, entry)
            except FormatError as error:
                raise InputUnusableError(entry.key, error) from error

        return list(_mapped(named, enumerate(entries), self.readers))


def _names_all(manifest: Manifest, epoch: int, inputs: frozenset[str]) -> bool:
    return manifest.epoch == epoch and inputs <= {entry.key for entry in manifest.objects()}


def _mapped(function: Callable[[T], U], items: Iterable[T], workers: int) -> Iterable[U]:
    if workers <= 1:
        return map(function, items)
    with ThreadPoolExecutor(workers, thread_name_prefix="merge") as pool:
        return list(pool.map(function, items))
