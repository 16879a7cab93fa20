"""Searches inverted segments. Reads for all segments are batched, so several take no more rounds than one.

A round is a set of requests that don't depend on each other. A search takes one round for lists and one for
vectors. Filtered and exact searches first take another, for the image ids and capture times of all rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glimpse.index.read.filters import is_in
from glimpse.index.read.ivf_reads import (
    NO_IDS,
    Budget,
    SegmentJob,
    reachable,
    read_columns,
    read_lists,
    read_vectors,
    sound,
)
from glimpse.index.read.ivf_segment import Probe
from glimpse.index.read.object_cache import ObjectCache
from glimpse.index.read.question import Question
from glimpse.index.read.stages import Stage, stages_for
from glimpse.index.vectors import Halves, Ids, Vectors

_VECTOR_BYTES = 256 * 2**10
_EXACT_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class _Shortlist:
    """The rows of a segment to re-rank, stage by stage."""

    stages: Sequence[Stage]
    rows: list[Ids]

    def all_rows(self) -> Ids:
        """Return the distinct rows of all stages."""
        return self.rows[0] if len(self.rows) == 1 else np.unique(np.concatenate(self.rows))


def search(objects: ObjectCache, jobs: Sequence[SegmentJob], question: Question, loaded: int = 0) -> None:
    """Search segments and store the result, or why a segment is unusable, in each job.

    Parameters
    ----------
    objects : ObjectCache
        Reads the segments.
    jobs : sequence of SegmentJob
        The segments.
    question : Question
        The query.
    loaded : int
        Number of objects that were loaded for this search. All but the first count against the budget of
        requests for vectors.

    Raises
    ------
    StoreError
        If the store refuses a request or does not answer.
    """
    if not jobs:
        return
    if question.exact or question.matching is not None:
        read_columns(objects, jobs)
    if question.exact:
        for job in sound(jobs):
            _compare_all(objects, job, question)
        return
    probes = {
        id(job): job.segment.probe(question.query, job.effort, job.masked, question.matching)
        for job in sound(jobs)
    }
    budgets = _share(jobs, loaded)
    _read_lists(objects, jobs, probes, budgets, question)
    firsts = {id(job): _first_rows(job, probes[id(job)], budgets[id(job)]) for job in sound(jobs)}
    if question.matching is not None:
        # A job with fewer candidates than planned takes more stages, which scan more lists.
        _read_lists(objects, [job for job in jobs if job.bound], probes, budgets, question)
    _compare_best(objects, jobs, probes, firsts, question)


def read_vector(objects: ObjectCache, job: SegmentJob, image_id: int) -> Vectors | None:
    """Return the (d,) float32 vector of an image, or None if it is not found or the job has a problem.

    Raises
    ------
    StoreError
        If the store refuses a request or does not answer.
    """
    row = job.segment.row_of(image_id)
    if row is None:
        read_columns(objects, [job])
        row = job.segment.row_of(image_id)
    if row is None:
        return None
    for _, rows, vectors in read_vectors(objects, [(job, np.array([row]))]):
        if len(rows):
            vector: Vectors = vectors[0].astype(np.float32)
            return vector
    return None


def read_whole(objects: ObjectCache, jobs: Sequence[SegmentJob]) -> None:
    """Read all lists and vectors of segments that are not cached yet, as far as the caches' budgets allow."""
    read_columns(objects, jobs)
    for job in sound(jobs):
        lists = np.arange(len(job.segment.head.ends))
        for start in range(0, len(lists), _EXACT_ROWS):
            read_lists(objects, [(job, lists[start : start + _EXACT_ROWS])], {})
        for start in range(0, job.segment.count, _EXACT_ROWS):
            rows = np.arange(start, min(start + _EXACT_ROWS, job.segment.count))
            read_vectors(objects, [(job, rows)])


def _share(jobs: Sequence[SegmentJob], loaded: int) -> dict[int, Budget]:
    """Return the read budget of each job, by its `id()`."""
    shared_by = max(1, len(jobs))
    return {
        id(job): Budget(
            max(1, job.effort.list_requests // shared_by),
            job.effort.list_bytes // shared_by,
            max(1, (job.effort.vector_requests - max(0, loaded - 1)) // shared_by),
            _VECTOR_BYTES // shared_by,
        )
        for job in jobs
    }


def _read_lists(
    objects: ObjectCache,
    jobs: Sequence[SegmentJob],
    probes: Mapping[int, Probe],
    budgets: Mapping[int, Budget],
    question: Question,
) -> None:
    """Fetch the lists to scan that are not cached, for all stages in one round."""
    chosen = []
    for job in sound(jobs):
        probe = probes[id(job)]
        is_deep = len(stages_for(job.spent.candidates, question.wanted)) > 1
        chosen.append((job, probe.lists[: probe.deep if is_deep else probe.first]))
    # A filtered search has no budget, so that it finds a rare match in any list.
    there = read_lists(objects, chosen, {} if question.matching else budgets)
    for job, lists in chosen:
        if there[id(job)] < len(lists):
            probes[id(job)].cut(there[id(job)])
            job.bind(lists=there[id(job)])


def _compare_best(
    objects: ObjectCache,
    jobs: Sequence[SegmentJob],
    probes: Mapping[int, Probe],
    firsts: Mapping[int, Ids],
    question: Question,
) -> None:
    """Re-rank the candidates by their vectors, stage by stage, and store the best in the jobs."""
    shortlists = {
        id(job): _shortlist(job, probes[id(job)], firsts[id(job)], question.wanted) for job in sound(jobs)
    }
    chosen = [(job, shortlists[id(job)].all_rows()) for job in sound(jobs)]
    for job, rows, vectors in read_vectors(objects, chosen):
        shortlist = shortlists[id(job)]
        job.found = [_ranked(job, shortlist, rows, vectors, question)]
        probe, last = probes[id(job)], len(shortlist.rows[-1])
        scanned = probe.first if len(shortlist.rows) == 1 else probe.deep
        is_all = scanned >= probe.holding and last < shortlist.stages[-1].candidates
        job.is_complete, job.is_exact = is_all and len(job.found[0][0]) == last, len(shortlist.rows) == 1


def _first_rows(job: SegmentJob, probe: Probe, budget: Budget) -> Ids:
    """Return the rows that the first stage re-ranks: as many as the budget allows."""
    rows = job.segment.candidates(probe, probe.first, job.effort.candidates, job.masked)
    count = reachable(job, rows, budget)
    if count < len(rows):
        job.bind(candidates=count)
    return rows[:count]


def _shortlist(job: SegmentJob, probe: Probe, first: Ids, wanted: int) -> _Shortlist:
    """Return the rows to re-rank, given those of the first stage."""
    needed = stages_for(job.spent.candidates, wanted)
    later = [job.segment.candidates(probe, probe.deep, s.candidates, job.masked) for s in needed[1:]]
    return _Shortlist(needed, [first, *later])


def _ranked(
    job: SegmentJob, shortlist: _Shortlist, rows: Ids, vectors: Halves, question: Question
) -> tuple[Ids, Vectors]:
    """Return the image ids and cosines of a segment's best images, in ranking order."""
    segment, wanted = job.segment, question.wanted
    if len(shortlist.rows) == 1:
        return segment.rank(question.query, rows, vectors, min(wanted, shortlist.stages[0].ranks))
    order = np.argsort(rows)
    image_ids, scores = NO_IDS, np.empty(0, np.float32)
    for stage, some in zip(shortlist.stages, shortlist.rows, strict=True):
        places = order[np.searchsorted(rows, some, sorter=order)]
        ids, cosines = segment.rank(question.query, some, vectors[places], len(some))
        new = np.flatnonzero(~is_in(ids, np.sort(image_ids)))[: stage.ranks - len(image_ids)]
        image_ids, scores = np.append(image_ids, ids[new]), np.append(scores, cosines[new])
    return image_ids[:wanted], scores[:wanted]


def _compare_all(objects: ObjectCache, job: SegmentJob, question: Question) -> None:
    """Compare the query with every vector that may be found."""
    rows = job.segment.rows(question.matching)
    if len(job.masked):
        rows = rows[~is_in(job.segment.image_ids(rows), np.unique(job.masked))]
    for start in range(0, len(rows), _EXACT_ROWS):
        some = rows[start : start + _EXACT_ROWS]
        for _, at_hand, vectors in read_vectors(objects, [(job, some)]):
            most = question.wanted if question.below is None else len(at_hand)
            ranked = job.segment.rank(question.query, at_hand, vectors, most)
            job.found.append(question.best(job.wanted.index.folder_id, *ranked))
        if job.problem:
            return
    job.is_complete = job.is_exact = True
