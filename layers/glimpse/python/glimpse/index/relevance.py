"""How many results of a search are relevant.

A query's scores are a bulk of images that have nothing to do with it, and perhaps a few above. Where the bulk
lies and how wide it is depends on the query and the folder, so each score is looked at beside the median of
all scores and the distance from the 16 % quantile to it (one deviation, were they normal: the lower side,
since relevant images are on the upper one). Logistic models say from that how probable it is that an image is
relevant, and that none is. The answer is the number of results with the highest expected F1, approximated by
2 · Σ p over those taken / (how many are taken + Σ p over all), or 0 where that is likelier to be right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glimpse.index.batches import Vectors
from glimpse.index.calibrations import SCALE_FREE, SPACES, Calibration

Floats = npt.NDArray[np.float64]

DEPTH = 512
"""So many of the best scores are looked at; no more images are called relevant."""

SAMPLE = 512
"""So many scores of a segment stand for all of them."""

FEWEST = 20
"""In a smaller folder there is no telling what is usual."""

_QUANTILES = (0.16, 0.5, 0.84)
_NARROWEST = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """Scores of some images that stand for all of a segment.

    Attributes
    ----------
    scores : (m,) float32
        In any order; none where the segment was not looked at as a whole, and nothing can be told then.
    count : int
        How many images they stand for.
    """

    scores: Vectors
    count: int


@dataclass(frozen=True, slots=True)
class _Bulk:
    """All scores of a query: how many, their median, the width below it, and the ratio of the width above."""

    count: int
    middle: float
    width: float
    skew: float


def calibration_of(space_id: str) -> Calibration:
    """Return the calibration of an embedding space: its own, or the one that knows no absolute scores."""
    return SPACES.get(space_id, SCALE_FREE)


def count_relevant(
    best: npt.ArrayLike, samples: Sequence[Sample], calibration: Calibration = SCALE_FREE
) -> int | None:
    """Return how many of the best images answer the query.

    Parameters
    ----------
    best : (k,) float
        The best scores in any order, all of them or at least `DEPTH`.
    samples : sequence of Sample
        One for each segment: what all scores look like.
    calibration : Calibration
        Of the embedding space.

    Returns
    -------
    int or None
        0 … min(k, `DEPTH`); None for fewer than `FEWEST` images, and where a segment was not sampled.
    """
    scores = np.sort(np.asarray(best, np.float64))[::-1][:DEPTH]
    bulk = _bulk(samples)
    if bulk is None or not len(scores):
        return None
    nothing = _logistic(calibration.nothing, _of_query(scores, bulk, calibration.knows_scores))[0]
    relevant = _logistic(calibration.image, _of_images(scores, bulk, calibration.knows_scores))
    ranks = np.arange(1, len(scores) + 1)
    expected_f1 = 2 * np.cumsum(relevant) / (ranks + max(relevant.sum(), _NARROWEST))
    chosen = int(expected_f1.argmax())
    return 0 if nothing >= (1 - nothing) * expected_f1[chosen] else chosen + 1


def features(best: Vectors, samples: Sequence[Sample], *, knows_scores: bool) -> tuple[Floats, Floats]:
    """Return what the models look at, to fit them: (k, f) of images, best first, and (1, g) of the query.

    Raises
    ------
    ValueError
        If nothing can be told of so few images.
    """
    bulk = _bulk(samples)
    if bulk is None or not len(best):
        raise ValueError(f"calibration needs folders of {FEWEST} images or more")
    scores = np.sort(np.asarray(best, np.float64))[::-1]
    return _of_images(scores, bulk, knows_scores), _of_query(scores, bulk, knows_scores)


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


def _of_images(scores: Floats, bulk: _Bulk, knows_scores: bool) -> Floats:
    """Return the (k, f) features of images, by rank."""
    z = (scores - bulk.middle) / bulk.width
    rank, size = np.log(np.arange(1, len(scores) + 1)), np.log(bulk.count)
    every = np.ones(len(scores))
    # How much the scores fall from here to twice the rank: steeply, where relevant ones end.
    later = np.minimum(2 * np.arange(1, len(scores) + 1) + 2, len(scores) - 1)
    fall = (scores - scores[later]) / bulk.width
    columns = [
        z, z * z, rank, rank * z, size * every, size * z, fall, z[0] * every, bulk.skew * every, z[0] * z
    ]  # fmt: skip
    if knows_scores:
        columns += [
            scores, scores * scores, bulk.middle * every, bulk.width * every, bulk.width * z, scores * rank,
            scores * size, scores * z, scores[0] * every, scores * scores[0], scores * bulk.middle,
        ]  # fmt: skip
    return np.stack(columns, axis=1)


def _of_query(scores: Floats, bulk: _Bulk, knows_scores: bool) -> Floats:
    """Return the (1, f) features of the whole ranking."""
    first, third, tenth = (
        (scores[min(place, len(scores) - 1)] - bulk.middle) / bulk.width for place in (0, 2, 9)
    )
    size = np.log(bulk.count)
    columns = [first, first * first, third, tenth, size, size * first, bulk.skew]
    if knows_scores:
        third_score = scores[min(2, len(scores) - 1)]
        columns += [
            scores[0], scores[0] ** 2, third_score, bulk.middle, bulk.width, scores[0] * size
        ]  # fmt: skip
    return np.array([columns])


def _logistic(weights: Sequence[float], features: Floats) -> Floats:
    """Return probabilities; the first weight is the constant."""
    logits = weights[0] + features @ np.asarray(weights[1:])
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))
