"""Estimates how many results of a search are relevant: a learned cut-off.

A query's scores are a bulk of unrelated images, and perhaps a few images above it. The position and width of
the bulk depend on the query and the folder. So scores are compared with the median of all scores, and with
the distance from the 16 % quantile to the median (one standard deviation if scores were normal; the lower
side, since relevant images are on the upper one). How high relevant images score depends on the query ("dog"
and "two dogs on the left" differ a lot), so a linear model predicts the usual scores from the query's
embedding. From both, a small network gives a value to each possible count, and another one to the count 0.
The highest value wins. The networks are fitted to choose the counts with the best F1, see
:mod:`benchmarks.relevance.fit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glimpse.index.relevance.weights import Calibration
from glimpse.index.vectors import Vectors

Floats = npt.NDArray[np.float64]

DEPTH = 512
"""Number of best scores to consider, and maximum number of relevant images."""

SAMPLE = 512
"""Number of scores that are sampled from a segment."""

FEWEST = 20
"""Minimum number of images; with fewer, the bulk can't be estimated."""

COUNTS = np.unique(
    np.concatenate((np.arange(1, 25), np.round(24 * 1.06 ** np.arange(1, 53)), [DEPTH]))
).astype(np.int64)
"""Counts to choose from, besides 0: from 24 on they are 6 % apart, which costs almost no F1."""

USUAL = 7
"""Number of values predicted from a query's embedding, see :class:`_Usual`."""

_QUANTILES = (0.16, 0.5, 0.84)
_NARROWEST = 1e-6
_LOG_USUAL_SIZE = float(np.log(16_000))


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """A sample of a segment's scores.

    Attributes
    ----------
    scores : (m,) float32
        The sampled scores, in any order. Empty if the segment was not scanned exhaustively; in that case the
        number of relevant images is not estimated.
    count : int
        Number of images that the sample represents.
    """

    scores: Vectors
    count: int


@dataclass(frozen=True, slots=True)
class _Bulk:
    """All scores of a query: number, median, width below the median, and ratio of the width above to that."""

    count: int
    middle: float
    width: float
    skew: float


@dataclass(frozen=True, slots=True)
class _Usual:
    """Values predicted from a query's embedding: usual scores, and the usual number of relevant images.

    `border` is the score that best separates relevant images from others. 0.1 %, 1 % and 10 % of irrelevant
    images score above `rare`, `seldom` and `often`. `relevant` is the logarithm of the number of relevant
    images among 16,000.
    """

    level: float
    border: float
    spread: float
    rare: float
    seldom: float
    often: float
    relevant: float


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Inputs of the networks.

    Attributes
    ----------
    counts : (c,) int64
        Counts to choose from, besides 0.
    by_count : (c, f) float64
        Features of each of them.
    of_none : (g,) float64
        Features of the count 0.
    """

    counts: npt.NDArray[np.int64]
    by_count: Floats
    of_none: Floats


def count_relevant(
    query: npt.ArrayLike, best: npt.ArrayLike, samples: Sequence[Sample], calibration: Calibration
) -> int | None:
    """Estimate how many of the best images are relevant to the query.

    Parameters
    ----------
    query : (d,) float
        The embedding of a text.
    best : (k,) float
        The best scores in any order: all of them, or at least `DEPTH`.
    samples : sequence of Sample
        One for each segment.
    calibration : Calibration
        The calibration of the embedding space.

    Returns
    -------
    int or None
        0 … min(k, `DEPTH`); None for fewer than `FEWEST` images, or if a segment was not sampled.
    """
    seen = features(query, best, samples, calibration.usual)
    if seen is None:
        return None
    values = calibration.count(seen.by_count)
    chosen = int(values.argmax())
    return 0 if calibration.none(seen.of_none[None])[0] >= values[chosen] else int(seen.counts[chosen])


def features(
    query: npt.ArrayLike, best: npt.ArrayLike, samples: Sequence[Sample], usual: npt.NDArray[Any]
) -> Features | None:
    """Return the inputs of the networks, or None if there is no estimate.

    Parameters
    ----------
    query, best, samples
        As for :func:`count_relevant`.
    usual : (1 + d, `USUAL`) float
        Linear model of :class:`_Usual`, the constant first.
    """
    scores = np.sort(np.asarray(best, np.float64))[::-1][:DEPTH]
    bulk = _bulk(samples)
    if bulk is None or not len(scores):
        return None
    told = usual[0] + np.asarray(query, np.float64) @ usual[1:]
    told[2] = np.exp(told[2])
    return _features(scores, bulk, _Usual(*told.tolist()))


def _bulk(samples: Sequence[Sample]) -> _Bulk | None:
    samples = [sample for sample in samples if sample.count]
    count = sum(sample.count for sample in samples)
    if count < FEWEST or not all(len(sample.scores) for sample in samples):
        return None
    scores = np.concatenate([sample.scores for sample in samples]).astype(np.float64)
    weights = np.concatenate(
        [np.full(len(sample.scores), sample.count / len(sample.scores)) for sample in samples]
    )
    order = np.argsort(scores)
    shares = (np.cumsum(weights[order]) - weights[order] / 2) / count
    low, middle, high = np.interp(_QUANTILES, shares, scores[order])
    width = max(middle - low, _NARROWEST)
    return _Bulk(count, middle, width, (high - middle) / width)


def _features(scores: Floats, bulk: _Bulk, usual: _Usual) -> Features:
    last = len(scores) - 1
    counts = COUNTS[len(scores) >= COUNTS]
    # For each count: the score of the last image that it includes, and of the first that it excludes.
    taken, left = scores[counts - 1], scores[np.minimum(counts, last)]
    far, mean = (
        scores[np.minimum(2 * counts + 1, last)],
        (np.cumsum(scores) / np.arange(1, last + 2))[counts - 1],
    )
    first, third, tenth = (float(scores[min(place, last)]) for place in (0, 2, 9))
    over, rank, size = taken - usual.level, np.log(counts), np.log(bulk.count)
    z, least = (taken - bulk.middle) / bulk.width, usual.rare - usual.seldom + 0.02
    expected = usual.relevant + size - _LOG_USUAL_SIZE
    of_all = [
        size, first, first - usual.border, first - usual.level, bulk.middle, bulk.width, bulk.skew,
        usual.spread, usual.level - usual.seldom, usual.level - usual.rare, third, tenth,
        bulk.middle - usual.often,
    ]  # fmt: skip
    columns = [
        taken, left - taken, far - taken, mean - taken, mean - usual.level, over, over / usual.spread,
        taken - usual.border, (taken - usual.seldom) / least, z, rank, rank - expected, rank * over, rank * z,
        size * over, size * z, over * over, z * z, (taken - left) * counts, (mean - taken) * rank,
        np.log(max(1, (scores >= usual.border).sum())) - rank,
        np.log(1 + (scores > usual.level).sum()) - rank,
        *(np.full(len(counts), value) for value in of_all),
    ]  # fmt: skip
    of_none = [
        first * first, (first - usual.level) / usual.spread, (first - usual.seldom) / least,
        third - usual.level, third - usual.border, size * first, size * (first - usual.border), expected,
        (first - bulk.middle) / bulk.width, first - third, (first - usual.border) ** 2, *of_all,
    ]  # fmt: skip
    return Features(counts, np.stack(columns, axis=1), np.array(of_none))
