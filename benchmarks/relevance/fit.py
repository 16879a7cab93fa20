"""Fits what :mod:`glimpse.index.relevance.model` weighs, on drawn scenes.

Usage: ``make calibrate-cutoff``. Needs no torch. Writes the demo model's file beside
``glimpse/index/relevance/weights.py``; scenes, queries and what no scene shows are others than those that
``make bench-cutoff`` judges by. Takes a quarter of an hour, most of it for drawing.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from glimpse.index.relevance.model import DEPTH, SAMPLE, USUAL, Features, Sample, features
from glimpse.index.relevance.weights import DEMO_SPACE, FILES, Calibration, Network

from benchmarks.relevance.scenes import FITTED, Case, Pool, draw_cases

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "demo"
SEEDS = (11, 13, 14)
HIDDEN, EPOCHS, BATCH, STEP, DECAY = 48, 15, 128, 0.01, 3e-4
Floats = npt.NDArray[np.float32]


def sample(case: Case, seed: int) -> Sample:
    """Return as much of a folder's scores as Glimpse's reader looks at."""
    spread = np.linspace(0, case.size - 1, min(SAMPLE, case.size)).astype(np.int64)
    return Sample(np.random.default_rng(seed).permutation(case.scores)[spread], case.size)


def fit_usual(pools: Sequence[Pool]) -> Floats:
    """Return (1 + d, u) weights that tell from an embedding what is usual, by ridge regression."""
    texts, usual = np.concatenate([pool.texts for pool in pools]), np.concatenate([*map(_usual, pools)])
    known = ~np.isnan(usual)
    # A mean of few scores says little.
    trust = np.where(np.arange(USUAL) < 3, (usual[:, 6:] / (usual[:, 6:] + 2)), 1.0)
    usual[:, 6] = np.log1p(usual[:, 6])
    rows = np.column_stack((np.ones(len(texts)), texts)).astype(np.float64)
    held = np.eye(rows.shape[1])
    held[0, 0] = 0
    columns = []
    for wanted, fine, weight in zip(usual.T, known.T, trust.T, strict=True):
        weighed = rows[fine] * weight[fine, None]
        columns.append(np.linalg.solve(weighed.T @ rows[fine] + held, weighed.T @ wanted[fine]))
    return np.stack(columns, axis=1).astype(np.float32)


def _usual(pool: Pool) -> npt.NDArray[np.float64]:
    """Return what was usual for each query: a row in the order of relevance's ``_Usual``, NaN for unknown."""
    found = []
    for scores, truth in zip(pool.texts @ pool.images.T, pool.truth, strict=True):
        order, count = np.argsort(-scores), int(truth.sum())
        hits = np.cumsum(truth[order])
        best = int((hits / (np.arange(1, len(hits) + 1) + count)).argmax())
        others = -np.sort(-scores[~truth])
        tails = [others[round(len(others) * share)] for share in (0.001, 0.01, 0.1)]
        mine, border = scores[truth], scores[order[best : best + 2]].mean()
        spread = np.log(max(0.02, float(mine.std()))) if count > 3 else np.nan
        found.append(
            [mine.mean() if count else np.nan, border if count else np.nan, spread, *tails, float(count)]
        )
    return np.array(found)


@dataclass(frozen=True, eq=False)
class Choices:
    """Cases to fit by: the networks' features, and the F1 of each answer.

    Attributes
    ----------
    lengths : (n,) int64
        How many answers beside 0 each case has.
    by_count, f1 : (sum of lengths, f), (sum of lengths,) float32
        Of each answer.
    of_none, f1_none : (n, g), (n,) float32
        Of the answer 0.
    """

    lengths: npt.NDArray[np.int64]
    by_count: Floats
    f1: Floats
    of_none: Floats
    f1_none: Floats

    @classmethod
    def of(cls, looked: Sequence[Features], f1: Sequence[npt.NDArray[np.float64]]) -> "Choices":
        """Put cases together."""
        return cls(
            np.array([len(seen.counts) for seen in looked]),
            np.concatenate([seen.by_count for seen in looked]).astype(np.float32),
            np.concatenate([of[seen.counts] for seen, of in zip(looked, f1, strict=True)]).astype(np.float32),
            np.stack([seen.of_none for seen in looked]).astype(np.float32),
            np.array([of[0] for of in f1], np.float32),
        )

    def some(self, cases: npt.NDArray[np.int64]) -> "Choices":
        """Return some of the cases."""
        starts = np.cumsum(self.lengths) - self.lengths
        rows = np.concatenate([np.arange(starts[case], starts[case] + self.lengths[case]) for case in cases])
        return Choices(
            self.lengths[cases], self.by_count[rows], self.f1[rows], self.of_none[cases], self.f1_none[cases]
        )


class _Trained:
    """A network being fitted, by Adam."""

    def __init__(self, rows: Floats, generator: np.random.Generator) -> None:
        self._mean, self._spread = rows.mean(0), rows.std(0) + 1e-6
        inputs = rows.shape[1]
        shapes = ((inputs, HIDDEN, 1.0), (1, HIDDEN, 0.0), (HIDDEN, 1, 0.3), (inputs, 1, 0.1), (1, 1, 0.0))
        self.weights: list[Floats] = [
            (generator.normal(size=(high, wide)) * scale / np.sqrt(high)).astype(np.float32)
            for high, wide, scale in shapes
        ]
        self._moments = [(np.zeros_like(part), np.zeros_like(part)) for part in self.weights]
        self._rows = self._shown = rows[:0]

    def values(self, rows: Floats) -> Floats:
        """Return the value of each row, and remember them for the next step."""
        hidden, constant, output, direct, least = self.weights
        self._rows = (rows - self._mean) / self._spread
        self._shown = np.maximum(self._rows @ hidden + constant, 0)
        return np.asarray((self._shown @ output + self._rows @ direct + least)[:, 0])

    def step(self, slope: Floats, size: float, number: int) -> None:
        """Go uphill, given the slope of what is maximised by each value."""
        by_hidden = (slope[:, None] * self.weights[2].T) * (self._shown > 0)
        slopes = [
            self._rows.T @ by_hidden, by_hidden.sum(0, keepdims=True), self._shown.T @ slope[:, None],
            self._rows.T @ slope[:, None], slope.sum(keepdims=True)[:, None],
        ]  # fmt: skip
        for part, uphill, (first, second) in zip(self.weights, slopes, self._moments, strict=True):
            downhill = (DECAY * part if len(part) > 1 else 0) - uphill
            first[:] = 0.9 * first + 0.1 * downhill
            second[:] = 0.99 * second + 0.01 * downhill**2
            part -= size * (first / (1 - 0.9**number)) / (np.sqrt(second / (1 - 0.99**number)) + 1e-8)

    def network(self) -> Network:
        """Return the network for features as they come, not standardised."""
        hidden, constant, output, direct, least = (part.astype(np.float64) for part in self.weights)
        hidden, direct = hidden / self._spread[:, None], direct / self._spread[:, None]
        parts = (
            np.concatenate((constant - self._mean @ hidden, hidden)),
            output[:, 0],
            np.concatenate((least - self._mean @ direct, direct))[:, 0],
        )
        return Network(*(part.astype(np.float32) for part in parts))


def fit_networks(choices: Choices) -> tuple[Network, Network]:
    """Return networks whose values, taken for logarithms of chances, give the highest expected F1."""
    generator = np.random.default_rng(0)
    counting, refusing = _Trained(choices.by_count, generator), _Trained(choices.of_none, generator)
    cases = len(choices.lengths)
    steps = EPOCHS * -(-cases // BATCH)
    order = np.concatenate([generator.permutation(cases) for _ in range(EPOCHS)])
    for number, part in enumerate(np.array_split(order, steps), 1):
        some = choices.some(part)
        starts = np.cumsum(some.lengths) - some.lengths
        value, none = counting.values(some.by_count), refusing.values(some.of_none)
        highest = np.maximum(np.maximum.reduceat(value, starts), none)
        chance, chance_none = np.exp(value - np.repeat(highest, some.lengths)), np.exp(none - highest)
        total = np.add.reduceat(chance, starts) + chance_none
        chance, chance_none = chance / np.repeat(total, some.lengths), chance_none / total
        expected = np.add.reduceat(chance * some.f1, starts) + chance_none * some.f1_none
        size = STEP * min(1, number / 20) * (1 + np.cos(np.pi * number / steps)) / 2
        counting.step(chance * (some.f1 - np.repeat(expected, some.lengths)) / len(part), size, number)
        refusing.step(chance_none * (some.f1_none - expected) / len(part), size, number)
    return counting.network(), refusing.network()


def main() -> None:
    """Parse the command line, draw, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--output", type=Path, default=FILES[DEMO_SPACE])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    pools = [Pool(BUNDLE, seed, options.threads, FITTED.draws) for seed in options.seeds]
    usual = fit_usual(pools)
    looked, f1 = list[Features](), list[npt.NDArray[np.float64]]()
    for pool in pools:
        for case in draw_cases(pool, FITTED):
            seen = features(case.vector, case.scores[:DEPTH], [sample(case, len(looked))], usual)
            if seen is not None:
                looked.append(seen)
                f1.append(case.f1()[: DEPTH + 1])
    print(f"{len(looked):,} queries to folders …", flush=True)
    choices = Choices.of(looked, f1)
    Calibration(usual, *fit_networks(choices)).save(options.output)


if __name__ == "__main__":
    main()
