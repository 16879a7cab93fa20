"""Reads lists and vectors of inverted segments, for several segments at once and within budgets.

Requests are made in rounds. A round is a set of requests that don't depend on each other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ParamSpec

import numpy as np

from glimpse.index.errors import FormatError
from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.read.object_cache import ObjectCache, ObjectRef, Parts
from glimpse.index.segments.effort import LIST_REQUESTS, VECTOR_REQUESTS, Effort
from glimpse.index.store.byte_ranges import ByteRange, fitting, length_of, plan_requests
from glimpse.index.vectors import Halves, Ids, Vectors

P = ParamSpec("P")

NO_IDS: Ids = np.empty(0, np.int64)

_FEWEST_LISTS = 8
_FEWEST_VECTORS = 24
_RUN_ROWS = 4_096
_WHOLE_BYTES = 32 * 2**20
_LARGE_SHARE = 16
_USEFUL = 4


@dataclass(slots=True)
class Budget:
    """The requests and bytes that may be spent on a segment's lists and vectors."""

    list_requests: int
    list_bytes: int
    vector_requests: int
    vector_bytes: int


@dataclass(eq=False, slots=True)
class SegmentJob:
    """The search of one inverted segment, and its result.

    Attributes
    ----------
    wanted, segment : ObjectRef, InvertedSegment
        The segment.
    masked : (m,) int64
        Image ids to exclude.
    effort : Effort
        The effort to search with.
    found : list of (Ids, Vectors)
        Image ids and cosines in ranking order. An exact search has several parts, each ranked separately.
    is_complete : bool
        Whether `found` is everything that may be found in the segment.
    is_exact : bool
        Whether `found` is in the exact order of its cosines, because one stage was enough.
    bound : Effort, optional
        The effort actually used, if a read budget made it lower than `effort`.
    problem : FormatError, optional
        Why the segment is unusable.
    """

    wanted: ObjectRef
    segment: InvertedSegment
    masked: Ids
    effort: Effort = field(default_factory=Effort)
    found: list[tuple[Ids, Vectors]] = field(default_factory=list)
    is_complete: bool = False
    is_exact: bool = False
    bound: Effort | None = None
    problem: FormatError | None = None

    @property
    def spent(self) -> Effort:
        """The effort actually used: `bound` if there is one, otherwise `effort`."""
        return self.bound or self.effort

    def bind(self, *, lists: int | None = None, candidates: int | None = None) -> None:
        """Reduce the effort with which the segment is searched."""
        now = self.spent
        self.bound = replace(now, lists=lists or now.lists, candidates=candidates or now.candidates)


def sound(jobs: Sequence[SegmentJob]) -> list[SegmentJob]:
    """Return the jobs that have no problem."""
    return [job for job in jobs if job.problem is None]


def read_columns(objects: ObjectCache, jobs: Sequence[SegmentJob]) -> None:
    """Fetch the image ids and capture times of all rows, unless they are cached."""
    missing = [(job, job.segment.head.column_spans()) for job in sound(jobs) if job.segment.missing_columns()]
    for job, parts in _read(objects, missing, LIST_REQUESTS):
        _attempt(job, _take_columns, job.segment, parts)
        objects.reweigh(job.wanted, job.segment)


def _take_columns(segment: InvertedSegment, parts: Parts) -> None:
    segment.take_columns(*segment.head.read_columns(parts))


def read_lists(
    objects: ObjectCache, chosen: Sequence[tuple[SegmentJob, Ids]], budgets: Mapping[int, Budget]
) -> dict[int, int]:
    """Fetch lists that are not cached, in order, as far as their jobs' budgets allow.

    Returns
    -------
    dict of int to int
        For the `id()` of each job: how many of its lists are available, before the first that is not.
    """
    there: dict[int, int] = {}
    missing: list[tuple[SegmentJob, list[ByteRange]]] = []
    numbers: dict[int, list[int]] = {}
    for job, lists in chosen:
        places = job.segment.missing_lists(lists)
        absent = lists[places].tolist()
        spans = [job.segment.head.list_span(number) for number in absent]
        if budget := budgets.get(id(job)):
            most = fitting(spans, budget.list_requests, budget.list_bytes)
            del spans[max(_FEWEST_LISTS, most) :]
            left = budget.list_bytes - length_of(plan_requests(spans, budget.list_requests))
            budget.vector_bytes += max(0, left)
        there[id(job)] = int(places[len(spans)]) if len(spans) < len(places) else len(lists)
        if spans:
            numbers[id(job)] = absent[: len(spans)]
            missing.append((job, spans))
    for job, parts in _read(objects, missing, LIST_REQUESTS):
        blocks = dict(zip(numbers[id(job)], parts, strict=True))
        _attempt(job, job.segment.take_lists, blocks)
        objects.reweigh(job.wanted, job.segment)
    return there


def reachable(job: SegmentJob, rows: Ids, budget: Budget) -> int:
    """Return how many leading rows are cached or can be read within a budget.

    If at least a sixteenth of the segment is missing, up to 32 MB may be read, provided that at least every
    fourth vector read is wanted. A flat segment would cost as much.
    """
    places = np.flatnonzero(~job.segment.vectors.has(rows))
    if len(places) <= _FEWEST_VECTORS:
        return len(rows)
    head = job.segment.head
    spans = [head.record_span(row, row + 1) for row in rows[places].tolist()]
    if _LARGE_SHARE * len(spans) >= head.count:
        reads = plan_requests(spans, budget.vector_requests)
        most_bytes = min(_USEFUL * len(spans) * head.record_size, _WHOLE_BYTES)
        if len(reads) <= budget.vector_requests and length_of(reads) <= most_bytes:
            return len(rows)
    count = max(_FEWEST_VECTORS, fitting(spans, budget.vector_requests, budget.vector_bytes))
    return int(places[count]) if count < len(places) else len(rows)


def read_vectors(
    objects: ObjectCache, chosen: Sequence[tuple[SegmentJob, Ids]]
) -> Iterator[tuple[SegmentJob, Ids, Halves]]:
    """Yield the vectors of some rows of segments, fetching those that are not cached.

    The order of the rows changes: cached ones come first.
    """
    held: dict[int, tuple[Ids, Halves]] = {}
    runs: dict[int, list[tuple[int, int]]] = {}
    missing: list[tuple[SegmentJob, list[ByteRange]]] = []
    for job, rows in chosen:
        present, vectors = job.segment.vectors.gather(rows)
        held[id(job)] = (rows if present.all() else rows[present], vectors)
        absent = _runs(np.sort(rows[~present]))
        if absent:
            runs[id(job)] = absent
            missing.append((job, [job.segment.head.record_span(*run) for run in absent]))
    for job, parts in _read(objects, missing, VECTOR_REQUESTS):
        _attempt(job, _take_vectors, held, runs[id(job)], job, parts)
    return ((job, *held[id(job)]) for job, _ in chosen if job.problem is None)


def _take_vectors(
    held: dict[int, tuple[Ids, Halves]], runs: list[tuple[int, int]], job: SegmentJob, parts: Parts
) -> None:
    """Add the fetched vectors of runs of rows, and cache them for later searches."""
    read = [job.segment.head.read_records(part) for part in parts]
    job.segment.vectors.put([(first, vectors) for (first, _), vectors in zip(runs, read, strict=True)])
    rows, vectors = held[id(job)]
    fetched = [np.arange(*run, dtype=np.int64) for run in runs]
    held[id(job)] = (np.concatenate((rows, *fetched)), np.concatenate((vectors, *read)))


def _runs(rows: Ids) -> list[tuple[int, int]]:
    """Return ascending rows as (first, last exclusive) runs of at most `_RUN_ROWS` rows."""
    if not len(rows):
        return []
    starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
    cuts = [
        np.arange(start, end, _RUN_ROWS) for start, end in zip(starts, (*starts[1:], len(rows)), strict=True)
    ]
    firsts = np.concatenate(cuts)
    return [
        (int(rows[first]), int(rows[end - 1]) + 1)
        for first, end in zip(firsts, (*firsts[1:], len(rows)), strict=True)
    ]


def _read(
    objects: ObjectCache, missing: Sequence[tuple[SegmentJob, list[ByteRange]]], requests: int
) -> Iterator[tuple[SegmentJob, Parts]]:
    """Read byte ranges of segments, and yield those that could be read; set `problem` on the other jobs."""
    if not missing:
        return
    each = max(4, requests // len(missing))
    answers = objects.read_parts([(job.wanted, spans) for job, spans in missing], each)
    for (job, _), answer in zip(missing, answers, strict=True):
        if isinstance(answer, FormatError):
            job.problem = answer
        else:
            yield job, answer


def _attempt(job: SegmentJob, take: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
    try:
        take(*arguments, **named)
    except FormatError as problem:
        job.problem = problem
