"""Recall promises: the effort that a segment needs, measured on its own vectors when it is written.

How many lists and candidates it takes to find the ten nearest images depends on the vectors: a few hundred
for vectors with a typical spectrum, half of them all where there is no structure. Real queries are not
available when segments are merged, and texts lie off the images' distribution. So five kinds of synthetic
query, made from the segment's vectors, stand in for them: the vectors themselves ("more like this image");
vectors blurred by half the usual difference between two images; by all of it; vectors moved off the images'
mean, as texts are, and blurred; and sums of two. A brute-force search finds the true nearest images of each,
and an effort must reach its recall for the worst kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from glimpse.index.segments.effort import LISTED, RecallPromise
from glimpse.index.segments.fast_scan import Scanner
from glimpse.index.segments.pq import Coder, Codes
from glimpse.index.vectors import Ids, VectorRows, Vectors

RECALLS = (0.95, 0.98)
TOP = 10

_PER_KIND = 48
_CHUNK = 16_384
_MEAN_SAMPLE = 4_096
_MARGIN = 0.7
"""Safety margin: only this share of the misses that a recall allows, since real queries are a sixth kind."""

_FEWEST_LISTS = 8
_FEWEST_CANDIDATES = 100
"""Enough for the first stage of a ranking to fill a page of results."""

_LIST_STEP = 1.25
_LOOK = 1_024
_LOOK_STEP = 4
_FEW = 12
_CANDIDATE_COST = 200
"""Re-ranking one vector takes about as long as scanning this many codes."""


@dataclass(frozen=True, eq=False, slots=True)
class TrialQuery:
    """A query whose nearest images are known.

    Attributes
    ----------
    kind : int
        Which kind of query it is, 0…4.
    vector : (d,) float32
        A unit vector.
    own : int
        The row that it is made from, which does not count among its nearest.
    nearest : (k,) int64
        Its nearest rows, k ≤ 10.
    """

    kind: int
    vector: Vectors
    own: int
    nearest: Ids


@dataclass(frozen=True, eq=False, slots=True)
class _Ranked:
    """A query, its ranking of the lists, and the rank of the list that holds each of its nearest rows."""

    query: TrialQuery
    projected: Vectors
    inner: Vectors
    lists: Ids
    places: Ids


class Trial:
    """Trial searches over the codes of one segment.

    Parameters
    ----------
    coder : Coder
        Decodes the codes.
    ends : (L,) int64
        For each list, the row after its last.
    codes : (n, D/2) uint8
        The code of each row.
    queries : sequence of TrialQuery
        The queries to run.
    """

    def __init__(self, coder: Coder, ends: Ids, codes: Codes, queries: Sequence[TrialQuery]) -> None:
        self._coder = coder
        self._lengths = np.diff(ends, prepend=0)
        self._scanner = Scanner(coder, ends)
        for number in np.flatnonzero(~self._scanner.filled).tolist():
            rows = slice(int(ends[number] - self._lengths[number]), int(ends[number]))
            self._scanner.fill(number, memoryview(codes[rows].tobytes()))
        self._ranked = [self._rank(query, ends) for query in queries]
        self._kinds = np.array([query.kind for query in queries])

    def _rank(self, query: TrialQuery, ends: Ids) -> _Ranked:
        rotated = self._coder.project(query.vector[np.newaxis])[0]
        inner = self._coder.centroids @ rotated[: self._coder.centroids.shape[1]]
        lists = np.argsort(-inner, kind="stable")
        places = np.empty(len(lists), np.int64)
        places[lists] = np.arange(len(lists))
        at = places[np.searchsorted(ends, query.nearest, side="right")]
        projected = np.ascontiguousarray(rotated[: len(self._coder.levels)])
        return _Ranked(query, projected, inner.astype(np.float32), lists, at)

    def recall(self, lists: int, candidates: int) -> float:
        """Return the recall of an effort for the worst kind of query: the share of nearest rows found."""
        found = self._found(lists, candidates, range(len(self._ranked)))
        return self._worst(found, range(len(self._ranked)), candidates)

    def promises(self) -> list[RecallPromise]:
        """Return the cheapest effort for each of :data:`RECALLS`."""
        if not self._ranked:  # a single vector, or none
            return []
        aims = {recall: 1 - _MARGIN * (1 - recall) for recall in RECALLS}
        best: dict[float, tuple[float, RecallPromise]] = {}
        count, per_list = len(self._lengths), int(self._lengths.sum()) / len(self._lengths)
        for lists in _grid(min(count, max(_FEWEST_LISTS, ceil(LISTED / per_list))), count):
            rows = lists * per_list
            if all(recall in best and best[recall][0] <= rows for recall in aims):
                break
            reached = self._reached(lists)
            for recall, candidates in self._candidates(lists, aims, reached).items():
                enough = max(_FEWEST_CANDIDATES, candidates)
                cost = rows + _CANDIDATE_COST * enough
                if recall not in best or cost < best[recall][0]:
                    best[recall] = cost, RecallPromise(recall, lists, enough)
        return [best[recall][1] for recall in aims]

    def _reached(self, lists: int) -> float:
        """Return the share of nearest rows in the first `lists` lists, for the worst kind of query."""
        shares = np.array([np.mean(ranked.places < lists) for ranked in self._ranked])
        return min(float(shares[self._kinds == kind].mean()) for kind in np.unique(self._kinds))

    def _candidates(self, lists: int, aims: dict[float, float], reached: float) -> dict[float, int]:
        """Return the candidates needed for each recall that the first `lists` lists can reach."""
        needed: dict[float, int] = {}
        open_aims = {recall: aim for recall, aim in aims.items() if reached >= aim}
        look = _LOOK
        while open_aims:
            # Searches with thousands of candidates are slow, so use only some of the queries.
            some = range(0, len(self._ranked), 1 if look <= 2 * _LOOK else max(1, _PER_KIND // _FEW))
            found = self._found(lists, look, some)
            is_all = look >= self._lengths.sum()
            for recall, aim in list(open_aims.items()):
                count = self._fewest(found, some, aim, look)
                if count is not None or is_all:
                    needed[recall] = look if count is None else count
                    del open_aims[recall]
            look = min(look * _LOOK_STEP, int(self._lengths.sum()))
        return needed

    def _fewest(self, found: list[Ids], some: range, aim: float, most: int) -> int | None:
        """Return the smallest number of candidates that reaches a recall, or None if `most` is not enough."""
        if self._worst(found, some, most) < aim:
            return None
        low, high = 0, most
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._worst(found, some, middle) >= aim else (middle, high)
        return high

    def _worst(self, found: list[Ids], some: range, candidates: int) -> float:
        shares = np.array([np.mean(places < candidates) for places in found])
        kinds = self._kinds[some.start : some.stop : some.step]
        return min(float(shares[kinds == kind].mean()) for kind in np.unique(kinds))

    def _found(self, lists: int, candidates: int, some: range) -> list[Ids]:
        """Return the ranks of each query's nearest rows among its candidates; the largest int64 if missed."""
        answer = []
        for ranked in (self._ranked[number] for number in some):
            chosen = ranked.lists[:lists]
            rows = self._scanner.best(ranked.projected, chosen, ranked.inner[chosen], candidates + 1, None)
            rows = rows[rows != ranked.query.own]
            order = np.argsort(rows)
            at = np.searchsorted(rows, ranked.query.nearest, sorter=order)
            at = order[np.minimum(at, len(rows) - 1)] if len(rows) else np.zeros_like(at)
            is_there = rows[at] == ranked.query.nearest if len(rows) else np.zeros(len(at), np.bool_)
            answer.append(np.where(is_there, at, np.iinfo(np.int64).max))
        return answer


def make_queries(rows: VectorRows, order: Ids, seed: int) -> list[TrialQuery]:
    """Make queries of every kind from random vectors of a segment, and find each query's nearest rows.

    Parameters
    ----------
    rows : VectorRows
        The segment's vectors, at least one.
    order : (n,) int64
        For each row of the segment, the position of its vector in `rows`.
    seed : int
        Seed for the random choices; the same seed gives the same queries.
    """
    rng = np.random.default_rng(seed)
    count = min(_PER_KIND, len(rows))
    mean = _random_rows(rows, order, _MEAN_SAMPLE, rng)[1].mean(axis=0)
    made: list[tuple[int, Vectors, Ids]] = []
    for kind in range(5):
        own, vectors = _random_rows(rows, order, count, rng)
        blur = (
            sum((_random_rows(rows, order, count, rng)[1] - mean for _ in range(4)), np.zeros_like(vectors))
            / 2
        )
        if kind == 1:
            vectors = vectors + 0.5 * blur
        elif kind == 2:
            vectors = vectors + blur
        elif kind == 3:
            vectors = vectors - 0.8 * mean + 0.7 * blur
        elif kind == 4:
            vectors = vectors + _random_rows(rows, order, count, rng)[1]
        made.append((kind, vectors, own))
    kinds = np.repeat(np.arange(len(made)), [len(vectors) for _, vectors, _ in made])
    queries = np.concatenate([vectors for _, vectors, _ in made])
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    queries = (queries / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    owners = np.concatenate([own for _, _, own in made])
    nearest = _nearest(rows, order, queries, owners)
    return [
        TrialQuery(int(kind), query, int(own), near)
        for kind, query, own, near in zip(kinds, queries, owners, nearest, strict=True)
        if len(near)
    ]


def _random_rows(rows: VectorRows, order: Ids, count: int, rng: np.random.Generator) -> tuple[Ids, Vectors]:
    """Return up to `count` distinct random rows, and their vectors."""
    chosen = rng.choice(len(rows), min(count, len(rows)), replace=False)
    return chosen, rows.take(order[chosen])


def _nearest(rows: VectorRows, order: Ids, queries: Vectors, owners: Ids) -> Iterator[Ids]:
    """Yield the nearest rows of each query, excluding its own."""
    most = min(TOP + 1, len(rows))
    best = np.full((len(queries), most), -np.inf, np.float32)
    held = np.full((len(queries), most), -1, np.int64)
    for start in range(0, len(rows), _CHUNK):
        scores = queries @ rows.take(order[start : start + _CHUNK]).T
        for number in np.flatnonzero(scores.max(axis=1) > best[:, -1]):
            better = np.flatnonzero(scores[number] > best[number, -1])
            values = np.concatenate((best[number], scores[number, better]))
            places = np.concatenate((held[number], better + start))
            top = np.argsort(-values, kind="stable")[:most]
            best[number], held[number] = values[top], places[top]
    for own, near in zip(owners, held, strict=True):
        yield near[near != own][:TOP]


def _grid(fewest: int, most: int) -> Iterator[int]:
    """Yield the numbers of lists to try, ascending."""
    now = float(fewest)
    while now < most:
        yield int(now)
        now *= _LIST_STEP
    yield most
