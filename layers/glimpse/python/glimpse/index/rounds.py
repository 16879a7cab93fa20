"""Searching inverted segments: whatever several of them need is read together, in as few rounds as one needs.

A round is a set of requests that need not wait for each other. A search takes one for lists and one for
vectors; one with a filter, and an exact one, first take one for the image ids and times of all rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec

import numpy as np

from glimpse.index.batches import Ids, Vectors
from glimpse.index.errors import FormatError
from glimpse.index.filters import is_in
from glimpse.index.inverted import Halves
from glimpse.index.objects import ObjectCache, Parts, Wanted
from glimpse.index.ranges import Span
from glimpse.index.scan import Effort, InvertedSegment, Probe
from glimpse.index.segment import Matching

P = ParamSpec("P")

_FEWEST_LISTS = 8
_FEWEST_VECTORS = 24
_LIST_REQUESTS = 52
_VECTOR_REQUESTS = 104
"""With one for the manifest and one for the head, a cold search makes at most 158 requests."""

_EXACT_ROWS = 16_384
_RUN_ROWS = 4_096
_SPARE = 1.2
_SPARE_ROWS = 20


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every segment.

    Attributes
    ----------
    query : (d,) float32
        A unit vector.
    wanted : int
        How many images.
    effort : Effort
        How thoroughly inverted segments are searched.
    matching : Matching, optional
        Which images may be found.
    exact : bool
        Compare every vector.
    judged : bool
        Find out how many results are relevant.
    """

    query: Vectors
    wanted: int
    effort: Effort
    matching: Matching | None = None
    exact: bool = False
    judged: bool = False

    @property
    def candidates(self) -> int:
        """How many vectors of a segment to compare exactly."""
        return max(self.effort.candidates, int(_SPARE * self.wanted) + _SPARE_ROWS)


@dataclass(eq=False, slots=True)
class Job:
    """One segment to search: where it lies, the image ids to leave out, and what came of it."""

    wanted: Wanted
    segment: InvertedSegment
    masked: Ids
    found: list[tuple[Ids, Vectors]] = field(default_factory=list)
    problem: FormatError | None = None


@dataclass(frozen=True, slots=True)
class _Most:
    """How many lists of a segment to fetch at most, and how large they may be together."""

    lists: int
    bytes: int


def search(objects: ObjectCache, jobs: Sequence[Job], question: Question, loaded: int = 0) -> None:
    """Search segments. Each job then holds what was found, or why its segment can't be used.

    Parameters
    ----------
    objects : ObjectCache
        Where they are read.
    jobs : sequence of Job
        The segments.
    question : Question
        What is asked.
    loaded : int
        How many objects had to be loaded for it: each beyond the first takes the place of a vector to fetch.

    Raises
    ------
    StoreError
        If the store refuses or does not answer.
    """
    if question.exact or question.matching is not None:
        _read_columns(objects, jobs)
    if question.exact:
        for job in _sound(jobs):
            _compare_all(objects, job, question)
        return
    probes = {
        id(job): job.segment.probe(
            question.query, question.wanted, question.effort, job.masked, question.matching
        )
        for job in _sound(jobs)
    }
    effort, shared_by = question.effort, max(1, len(jobs))
    most = _Most(max(_FEWEST_LISTS, effort.new_lists // shared_by), effort.new_list_bytes // shared_by)
    _read_lists(objects, jobs, probes, None if question.matching else most)
    new_candidates = max(_FEWEST_VECTORS, (effort.new_candidates - max(0, loaded - 1)) // shared_by)
    _compare_best(objects, jobs, probes, question, new_candidates)


def read_vector(objects: ObjectCache, job: Job, image_id: int) -> Vectors | None:
    """Return the (d,) float32 vector of an image, or None without one; the job may have a problem then.

    Raises
    ------
    StoreError
        If the store refuses or does not answer.
    """
    row = job.segment.row_of(image_id)
    if row is None:
        _read_columns(objects, [job])
        row = job.segment.row_of(image_id)
    if row is None:
        return None
    for _, rows, vectors in _vectors(objects, [(job, np.array([row]))], 1):
        if len(rows):
            vector: Vectors = vectors[0].astype(np.float32)
            return vector
    return None


def read_whole(objects: ObjectCache, jobs: Sequence[Job]) -> None:
    """Read everything of segments that is not at hand yet, as far as the caches' budgets go."""
    _read_columns(objects, jobs)
    for job in _sound(jobs):
        lists = np.arange(len(job.segment.head.ends))
        for start in range(0, len(lists), _EXACT_ROWS):
            _read_lists(objects, [job], {id(job): lists[start : start + _EXACT_ROWS]}, None)
        for start in range(0, job.segment.count, _EXACT_ROWS):
            rows = np.arange(start, min(start + _EXACT_ROWS, job.segment.count))
            _vectors(objects, [(job, rows)], len(rows))


def _read_columns(objects: ObjectCache, jobs: Sequence[Job]) -> None:
    missing = [
        (job, job.segment.head.column_spans()) for job in _sound(jobs) if job.segment.missing_columns()
    ]
    for job, parts in _read(objects, missing, _LIST_REQUESTS):
        _attempt(job, _take_columns, job.segment, parts)
        objects.reweigh(job.wanted, job.segment)


def _take_columns(segment: InvertedSegment, parts: Parts) -> None:
    segment.take_columns(*segment.head.read_columns(parts))


def _read_lists(
    objects: ObjectCache, jobs: Sequence[Job], probes: dict[int, Probe] | dict[int, Ids], most: _Most | None
) -> None:
    """Fetch the lists to scan that are not there, the most promising ones of each segment."""
    missing: list[tuple[Job, list[Span]]] = []
    numbers: dict[int, list[int]] = {}
    for job in _sound(jobs):
        probe = probes[id(job)]
        lists = probe.lists if isinstance(probe, Probe) else probe
        wanted = job.segment.missing_lists(lists).tolist()
        spans = [job.segment.head.list_span(number) for number in wanted]
        if most is not None:
            fitting = np.searchsorted(np.cumsum([span.length for span in spans]), most.bytes, side="right")
            del spans[min(most.lists, max(_FEWEST_LISTS, int(fitting))) :]
        if spans:
            numbers[id(job)] = wanted[: len(spans)]
            missing.append((job, spans))
    for job, parts in _read(objects, missing, _LIST_REQUESTS):
        blocks = dict(zip(numbers[id(job)], parts, strict=True))
        _attempt(job, job.segment.take_lists, blocks)
        objects.reweigh(job.wanted, job.segment)


def _compare_best(
    objects: ObjectCache, jobs: Sequence[Job], probes: dict[int, Probe], question: Question, most: int
) -> None:
    """Compare the query with the candidates' vectors, of which `most` are fetched, and note the best."""
    chosen = [
        (job, job.segment.candidates(probes[id(job)], question.candidates, job.masked))
        for job in _sound(jobs)
    ]
    for job, rows, vectors in _vectors(objects, chosen, max(most, question.wanted)):
        if len(rows):
            job.found.append(job.segment.rank(question.query, rows, vectors, question.wanted))


def _compare_all(objects: ObjectCache, job: Job, question: Question) -> None:
    """Compare the query with every vector that may be found."""
    rows = job.segment.rows(question.matching)
    if len(job.masked):
        rows = rows[~is_in(job.segment.image_ids(rows), np.unique(job.masked))]
    for start in range(0, len(rows), _EXACT_ROWS):
        some = rows[start : start + _EXACT_ROWS]
        for _, at_hand, vectors in _vectors(objects, [(job, some)], len(some)):
            job.found.append(job.segment.rank(question.query, at_hand, vectors, question.wanted))
        if job.problem:
            return


def _vectors(
    objects: ObjectCache, chosen: Sequence[tuple[Job, Ids]], budget: int
) -> list[tuple[Job, Ids, Halves]]:
    """Return the vectors of rows; of those that are not at hand, the first `budget` of each segment.

    Rows come back in another order: first those that were at hand.
    """
    held: dict[int, tuple[Ids, Halves]] = {}
    runs: dict[int, list[tuple[int, int]]] = {}
    missing: list[tuple[Job, list[Span]]] = []
    for job, rows in chosen:
        present, vectors = job.segment.vectors.gather(rows)
        held[id(job)] = (rows[present], vectors)
        absent = _runs(np.sort(rows[~present][:budget]))
        if absent:
            runs[id(job)] = absent
            missing.append((job, [job.segment.head.record_span(*run) for run in absent]))
    for job, parts in _read(objects, missing, _VECTOR_REQUESTS):
        _attempt(job, _take_vectors, held, runs[id(job)], job, parts)
    return [(job, *held[id(job)]) for job, _ in chosen if job.problem is None]


def _take_vectors(
    held: dict[int, tuple[Ids, Halves]], runs: list[tuple[int, int]], job: Job, parts: Parts
) -> None:
    """Take in the vectors of runs of rows, and keep them for later searches."""
    read = [job.segment.head.read_records(part) for part in parts]
    job.segment.vectors.put([(first, vectors) for (first, _), vectors in zip(runs, read, strict=True)])
    rows, vectors = held[id(job)]
    fetched = [np.arange(*run, dtype=np.int64) for run in runs]
    held[id(job)] = (np.concatenate((rows, *fetched)), np.concatenate((vectors, *read)))


def _runs(rows: Ids) -> list[tuple[int, int]]:
    """Return ascending rows as runs from a first row up to a last one, exclusive; none is very long."""
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
    objects: ObjectCache, missing: Sequence[tuple[Job, list[Span]]], requests: int
) -> Iterator[tuple[Job, Parts]]:
    """Read parts of segments, and yield those that could be read; the other jobs have a problem then."""
    if not missing:
        return
    each = max(4, requests // len(missing))
    answers = objects.read_parts([(job.wanted, spans) for job, spans in missing], each)
    for (job, _), answer in zip(missing, answers, strict=True):
        if isinstance(answer, FormatError):
            job.problem = answer
        else:
            yield job, answer


def _attempt(job: Job, take: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
    try:
        take(*arguments, **named)
    except FormatError as problem:
        job.problem = problem


def _sound(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if job.problem is None]
