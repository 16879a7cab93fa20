"""How many results are relevant: Glimpse's cut-off beside the best single threshold, on drawn scenes.

Usage: ``make bench-cutoff`` (``--seed`` for other scenes, which must not be among those that
:mod:`benchmarks.relevance.fit` fits by). Needs no torch. Prints F1 by folder size, by number of relevant
images, by kind of query, and for queries that put words together which no query that was fitted by did; the
last line is JSON. Where nothing is relevant, F1 is 1 for an answer of 0, and 0 for any other. The fixed
threshold is the cosine that is best over the very cases that are judged; the best count of each query shows
what the ranking allows. Ends with status 1 if a figure is below its bar.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from glimpse.encoder import Bundle
from glimpse.index.relevance.model import DEPTH, count_relevant
from glimpse.index.relevance.weights import Calibration, calibration_of

from benchmarks.relevance.fit import BUNDLE, SEEDS, sample
from benchmarks.relevance.scenes import (
    JUDGED,
    RELEVANT,
    SIZES,
    Case,
    Pool,
    draw_cases,
    fitted_words,
    words_of,
)

BARS = {"f1": 0.80, "gain_over_fixed": 0.10, "says_none": 0.90}
SEED = 12
Floats = npt.NDArray[np.float64]


def judge(cases: Sequence[Case], count: Callable[[Case], int]) -> Floats:
    """Return the F1 of each case."""
    return np.array([case.f1()[count(case)] for case in cases])


def adaptive(calibration: Calibration) -> Callable[[Case], int]:
    """Return what Glimpse says, looking at as much of a folder as its reader does."""

    def count(case: Case) -> int:
        some = [sample(case, case.size)]
        return count_relevant(case.vector, case.scores[:DEPTH], some, calibration) or 0

    return count


def best_threshold(cases: Sequence[Case]) -> float:
    """Return the cosine with the highest mean F1, to 0.005."""
    thresholds = [number / 200 for number in range(40, 100)]
    return max(thresholds, key=lambda least: float(judge(cases, above(least)).mean()))


def above(least: float) -> Callable[[Case], int]:
    """Count the scores from a threshold on."""
    return lambda case: int(np.searchsorted(-case.scores, -least, side="right"))


def report(cases: Sequence[Case], calibration: Calibration) -> dict[str, float]:
    """Print the table, and return the figures."""
    least = best_threshold(cases)
    scored = {
        "Glimpse": judge(cases, adaptive(calibration)),
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
    fitted = fitted_words(SEEDS)
    is_new = np.array([words_of(case.text) not in fitted for case in cases])
    groups |= {"new words, answered": is_new & answered, "new words, with none": is_new & ~answered}
    print(f"{'mean F1':<22} {'queries':>7}  " + "  ".join(f"{name:>21}" for name in scored))
    for name, members in groups.items():
        figures = "  ".join(f"{values[members].mean():21.3f}" for values in scored.values())
        print(f"{name:<22} {members.sum():7d}  {figures}")
    mine, fixed, best = scored.values()
    return {
        "f1": float(mine.mean()),
        "f1_answered": float(mine[answered].mean()),
        "says_none": float(mine[~answered].mean()),
        "f1_fixed": float(fixed.mean()),
        "gain_over_fixed": float(mine.mean() - fixed.mean()),
        "f1_best_possible": float(best.mean()),
        "f1_new_words": float(mine[is_new & answered].mean()),
        "f1_fixed_new_words": float(fixed[is_new & answered].mean()),
    }


def main() -> int:
    """Parse the command line, measure, print a table and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.seed in SEEDS:
        parser.error(f"the weights were fitted on scenes of seed {options.seed}; judge by another one")
    calibration = calibration_of(Bundle.load(BUNDLE).declared_space_id or "")
    if calibration is None:
        raise SystemExit("The demo model has no weights of its own: `make calibrate-cutoff` fits them.")
    cases = list(draw_cases(Pool(BUNDLE, options.seed, options.threads, JUDGED.draws), JUDGED))
    figures = report(cases, calibration)
    passed = all(figures[name] >= bar for name, bar in BARS.items())
    for name, bar in BARS.items():
        print(f"{name:<16} {figures[name]:.3f}  (bar {bar:.2f})")
    print(json.dumps({"seed": options.seed, "queries": len(cases), **figures, "passed": passed}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
