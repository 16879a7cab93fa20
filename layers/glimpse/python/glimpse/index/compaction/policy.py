"""The compaction policy: what to merge, and when. It decides by counts in the manifest and reads no objects.

The entries of a manifest form a log of *spans*, ordered by sequence number. Each span is one commit, or a
merge of several. Only adjacent spans are merged, so that spans never overlap and tombstones keep masking the
same vectors.

* A writer merges the newest commits once there are :data:`TAIL_SPANS` of them (:func:`tail_window`).
* Compaction (:func:`next_window`) is size-tiered. It merges adjacent spans that are each smaller than a bound
  and together reach it. The bounds grow by :data:`TIER_FACTOR`, so a vector is rewritten once per tier.
  Compaction also rewrites an index with many tombstones, and a segment whose kind no longer fits its size.
* If there are still too many spans, it merges those that cost least per span saved. The limit is lower for an
  index at rest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from glimpse.index.format import segment_kinds, tombstones
from glimpse.index.format.manifest import Manifest, ObjectEntry
from glimpse.index.format.spans import Span, spans_of

TAIL_SPANS = 32
"""Commits that make a tail worth merging. 32 keep the manifest short, for one more write of each vector."""

TAIL_BYTES = 4 * 2**20
"""The most that a writer reads and rewrites to merge a tail."""

TIER_ROWS = 20_000
TIER_FACTOR = 8
"""The bounds of the tiers, in rows: the first one, and the factor from each to the next."""

_TIERS = tuple(TIER_ROWS * TIER_FACTOR**tier for tier in range(5))

BUSY_SPANS = 128
REST_SPANS = 20
"""Number of spans that compaction tolerates: while commits arrive, and at rest."""

DEAD_SHARE = 0.25
DEAD_LEAST = 256
REST_DEAD_SHARE = 0.05
"""An index is rewritten when its tombstones reach both this share of its vectors and this number."""

LARGEST_BYTES = 1536 * 2**20
"""Bytes that one merge may read: 1.4 million vectors of 512 dimensions. It takes about twice that on disk."""


@dataclass(frozen=True, slots=True)
class MergeWindow:
    """Adjacent spans to merge.

    Attributes
    ----------
    spans : tuple of Span
        At least one, oldest first.
    is_oldest : bool
        Whether nothing in the index is older, so that the merge can drop its tombstones.
    """

    spans: tuple[Span, ...]
    is_oldest: bool

    @property
    def entries(self) -> tuple[ObjectEntry, ...]:
        """All input objects of the merge."""
        return tuple(entry for span in self.spans for entry in span.entries)


def tail_window(manifest: Manifest) -> MergeWindow | None:
    """Return the newest commits if a writer should merge them, otherwise None."""
    spans = spans_of(manifest)
    start = _tail_start(spans)
    if len(spans) - start < TAIL_SPANS:
        return None
    return MergeWindow(tuple(spans[start:]), is_oldest=start == 0)


def _tail_start(spans: Sequence[Span]) -> int:
    """Return the position of the first span of the tail: the newest commits, which writers merge."""
    size, start = 0, len(spans)
    while start and not spans[start - 1].is_merged and _is_mergeable(spans[start - 1]):
        size += spans[start - 1].bytes
        if size > TAIL_BYTES or len(spans) - start == 2 * TAIL_SPANS:
            break
        start -= 1
    return start


def next_window(
    manifest: Manifest,
    *,
    at_rest: bool = False,
    whole: bool = False,
    largest_bytes: int = LARGEST_BYTES,
    unusable: frozenset[str] = frozenset(),
) -> MergeWindow | None:
    """Return what compaction should merge next, or None if there is nothing to do.

    The tail is left to the writers, who would win the race for it, unless no more commits are expected.

    Parameters
    ----------
    manifest : Manifest
        The index's manifest.
    at_rest : bool
        Whether no commits are expected. Compaction then leaves fewer spans and tombstones.
    whole : bool
        Whether to merge everything into one span.
    largest_bytes : int
        The most that one merge may read.
    unusable : frozenset of str
        Names of objects that can't be read. Compaction skips them, and objects of unknown kinds.
    """
    spans = spans_of(manifest)
    settled = spans if at_rest or whole else spans[: _tail_start(spans)]
    stretches = list(_stretches(settled, unusable, largest_bytes))
    excess = len(spans) - (REST_SPANS if at_rest else BUSY_SPANS)
    rules: tuple[Callable[[], _Stretch | None], ...] = (
        lambda: _whole(stretches, whole=whole, at_rest=at_rest, largest_bytes=largest_bytes),
        lambda: _by_tier(stretches),
        lambda: _by_kind(stretches),
        lambda: _cheapest(stretches) if excess > 0 else None,
    )
    for rule in rules:
        window = _fitting(rule(), largest_bytes)
        if window:
            return window
    return None


_Stretch = tuple[int, Sequence[Span]]
"""The log position of the first of some adjacent spans, and the spans."""


def _stretches(spans: Sequence[Span], unusable: frozenset[str], largest_bytes: int) -> Iterator[_Stretch]:
    """Yield the maximal runs of adjacent spans that can be merged."""
    start = 0
    for place in range(len(spans) + 1):
        if (
            place == len(spans)
            or spans[place].bytes > largest_bytes
            or not _is_mergeable(spans[place], unusable)
        ):
            if place > start:
                yield start, spans[start:place]
            start = place + 1


def _is_mergeable(span: Span, unusable: frozenset[str] = frozenset()) -> bool:
    return (
        all(segment_kinds.can_read(entry) for entry in span.segments)
        and all(tombstones.can_read(entry) for entry in span.tombstones)
        and not any(entry.key in unusable for entry in span.entries)
    )


def _fitting(chosen: _Stretch | None, largest_bytes: int) -> MergeWindow | None:
    """Return the newest of the chosen spans that one merge may read, unless only one of several is left."""
    if chosen is None:
        return None
    start, spans = chosen
    window, size = list(spans), _size(spans)
    while size > largest_bytes:
        start, size = start + 1, size - window.pop(0).bytes
    if len(window) < min(2, len(spans)):
        return None
    return MergeWindow(tuple(window), is_oldest=start == 0)


def _size(spans: Sequence[Span]) -> int:
    return sum(span.bytes for span in spans)


def _whole(
    stretches: Sequence[_Stretch], *, whole: bool, at_rest: bool, largest_bytes: int
) -> _Stretch | None:
    """Return all spans, if that is requested or there are many tombstones.

    The run must begin with the oldest span, since only such a merge can drop its tombstones.
    """
    if not stretches or stretches[0][0] or _size(stretches[0][1]) > largest_bytes:
        return None
    spans = stretches[0][1]
    dead = sum(entry.count for span in spans for entry in span.tombstones)
    vectors = sum(entry.count for span in spans for entry in span.segments)
    share, least = (REST_DEAD_SHARE, 1) if at_rest else (DEAD_SHARE, DEAD_LEAST)
    if dead >= max(least, share * vectors) or (whole and len(spans) > 1):
        return 0, spans
    return None


def _by_tier(stretches: Sequence[_Stretch]) -> _Stretch | None:
    """Return adjacent spans, each below a tier's bound, that reach it together, for the lowest such tier."""
    for bound in _TIERS:
        for start, spans in stretches:
            place = 0
            for is_small, group in groupby(spans, key=lambda span: span.rows < bound):
                run = tuple(group)
                if is_small and len(run) > 1 and sum(span.rows for span in run) >= bound:
                    return start + place, run
                place += len(run)
    return None


def _by_kind(stretches: Sequence[_Stretch]) -> _Stretch | None:
    """Return a span whose segment's kind does not suit its size."""
    for start, spans in stretches:
        for place, span in enumerate(spans):
            if any(entry.kind != segment_kinds.choose_kind(entry.count) for entry in span.segments):
                return start + place, (span,)
    return None


def _cheapest(stretches: Sequence[_Stretch]) -> _Stretch | None:
    """Return the adjacent spans whose merge writes least per span saved; of equally good ones, the most."""
    best: _Stretch | None = None
    best_cost = np.inf
    for start, spans in stretches:
        sums = np.concatenate(([0], np.cumsum([span.rows + 1 for span in spans])))
        for place in range(len(spans) - 1):
            costs = (sums[place + 2 :] - sums[place]) / np.arange(1, len(spans) - place)
            longest = len(costs) - 1 - int(np.argmin(costs[::-1]))
            if costs[longest] < best_cost:
                best_cost = float(costs[longest])
                best = start + place, spans[place : place + longest + 2]
    return best
