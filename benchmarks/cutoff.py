"""How many results are relevant: Glimpse's cut-off beside the best single threshold, on drawn scenes.

Usage: ``make bench-cutoff`` (``--seed`` for other scenes; ``--calibrate`` prints weights for
``glimpse/index/calibrations.py``, fitted on scenes of ``--seed``, which must not be those that are judged).
Needs no torch. Prints F1 by folder size and by number of relevant images and, as the last line, JSON. Where
nothing is relevant, F1 is 1 for an answer of 0, and 0 for any other. The fixed threshold is the cosine that
is best over the very cases that are judged; the best count of each query shows what the ranking allows. Ends
with status 1 if a figure is below its bar.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from glimpse.encoder import Bundle
from glimpse.index import relevance
from glimpse.index.relevance import DEPTH, SAMPLE, Sample, calibration_of, count_relevant

from benchmarks.cutoff_scenes import RELEVANT, SIZES, Case, draw_cases

BUNDLE = Path(__file__).resolve().parent.parent / "models" / "demo"
BARS = {"f1": 0.80, "gain_over_fixed": 0.10, "says_none": 0.90}
CALIBRATION_SEED, SEED = 11, 12
Floats = npt.NDArray[np.float64]


def judge(cases: Sequence[Case], count: Callable[[Case], int]) -> Floats:
    """Return the F1 of each case."""
    return np.array([case.f1()[count(case)] for case in cases])


def adaptive(space_id: str) -> Callable[[Case], int]:
    """Return what Glimpse says, looking at as much of a folder as its reader does."""
    calibration = calibration_of(space_id)

    def count(case: Case) -> int:
        spread = np.linspace(0, case.size - 1, min(SAMPLE, case.size)).astype(np.int64)
        some = np.random.default_rng(case.size).permutation(case.scores)[spread]
        return count_relevant(case.scores[:DEPTH], [Sample(some, case.size)], calibration) or 0

    return count


def best_threshold(cases: Sequence[Case]) -> float:
    """Return the cosine with the highest mean F1, to 0.005."""
    thresholds = [number / 200 for number in range(40, 100)]
    return max(thresholds, key=lambda least: float(judge(cases, above(least)).mean()))


def above(least: float) -> Callable[[Case], int]:
    """Count the scores from a threshold on."""
    return lambda case: int(np.searchsorted(-case.scores, -least, side="right"))


def fit_logistic(features: Floats, truth: npt.NDArray[np.bool_], weights: Floats) -> list[float]:
    """Return a constant and weights by Newton's method, lightly held towards 0 (in standardised units)."""
    mean, spread = features.mean(0), features.std(0) + 1e-12
    rows = np.column_stack((np.ones(len(features)), (features - mean) / spread))
    held = np.eye(rows.shape[1]) * 0.1
    held[0, 0] = 0
    fitted = np.zeros(rows.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(rows @ fitted, -30, 30)))
        slope = rows.T @ (weights * (truth - chance)) - held @ fitted
        curve = (rows * (weights * chance * (1 - chance))[:, None]).T @ rows + held
        fitted += np.linalg.solve(curve, slope)
    scaled = fitted[1:] / spread
    return [float(f"{value:.5g}") for value in (fitted[0] - scaled @ mean, *scaled)]


def calibrate(cases: Sequence[Case]) -> None:
    """Print weights with absolute scores and without."""
    largest = np.sqrt([max(1, case.relevant) for case in cases])
    for name, knows_scores in (("DEMO", True), ("SCALE_FREE", False)):
        images, query = [], []
        for case in cases:
            by_image, by_query = relevance.features(
                case.scores[:DEPTH], [Sample(case.scores, case.size)], knows_scores=knows_scores
            )
            images.append(by_image)
            query.append(by_query)
        truth = np.concatenate([case.is_relevant[:DEPTH] for case in cases])
        # A query with many relevant images has that many rows, and is one query still.
        weight = np.concatenate(
            [np.full(len(rows), 1 / size) for rows, size in zip(images, largest, strict=True)]
        )
        nothing = np.array([not case.relevant for case in cases])
        print(f"{name}.image =", tuple(fit_logistic(np.concatenate(images), truth, weight)))
        print(f"{name}.nothing =", tuple(fit_logistic(np.concatenate(query), nothing, np.ones(len(cases)))))


def report(cases: Sequence[Case], space_id: str) -> dict[str, float]:
    """Print the table, and return the figures."""
    least = best_threshold(cases)
    scored = {
        "Glimpse": judge(cases, adaptive(space_id)),
        "without a calibration": judge(cases, adaptive("")),
        f"fixed, {least:.3f}": judge(cases, above(least)),
        "best count of each": judge(cases, lambda case: int(case.f1().argmax())),
    }
    relevant, sizes = np.array([case.relevant for case in cases]), np.array([case.size for case in cases])
    kinds = np.array([case.kind for case in cases])
    answered = relevant > 0
    groups = {"all": answered | True, "with an answer": answered, "with none": ~answered}
    groups |= {f"{size:,} images": sizes == size for size in SIZES}
    groups |= {f"{low} to {high} relevant": (relevant >= low) & (relevant <= high) for low, high in RELEVANT}
    groups |= {f"{kind}, answered": (kinds == kind) & answered for kind in sorted({*kinds} - {"foreign"})}
    print(f"{'mean F1':<22} {'queries':>7}  " + "  ".join(f"{name:>21}" for name in scored))
    for name, members in groups.items():
        figures = "  ".join(f"{values[members].mean():21.3f}" for values in scored.values())
        print(f"{name:<22} {members.sum():7d}  {figures}")
    mine, plain, fixed, best = scored.values()
    return {
        "f1": float(mine.mean()),
        "f1_answered": float(mine[answered].mean()),
        "says_none": float(mine[~answered].mean()),
        "f1_fixed": float(fixed.mean()),
        "gain_over_fixed": float(mine.mean() - fixed.mean()),
        "f1_best_possible": float(best.mean()),
        "f1_uncalibrated": float(plain.mean()),
    }


def main() -> int:
    """Parse the command line, measure, print a table and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--calibrate", action="store_true")
    options = parser.parse_args()
    seed = options.seed or (CALIBRATION_SEED if options.calibrate else SEED)
    cases = list(draw_cases(BUNDLE, seed, options.threads))
    if options.calibrate:
        calibrate(cases)
        return 0
    figures = report(cases, Bundle.load(BUNDLE).declared_space_id or "")
    passed = all(figures[name] >= bar for name, bar in BARS.items())
    for name, bar in BARS.items():
        print(f"{name:<16} {figures[name]:.3f}  (bar {bar:.2f})")
    print(json.dumps({"seed": seed, "queries": len(cases), **figures, "passed": passed}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
