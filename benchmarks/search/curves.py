"""Recall over latency: one curve a contender, measured one query at a time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

TOP = 10
_WARM_UP = 20

Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
Search = Callable[[Vectors, int], Rows]
"""Returns the rows nearest to one vector."""


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of one contender: recall@10 and the median latency."""

    setting: str
    recall: float
    p50_ms: float


def ground_truth(images: Vectors, texts: Vectors) -> Rows:
    """Return the rows of the ten nearest images of each text."""
    index = faiss.IndexFlatIP(images.shape[1])
    index.add(images)
    rows: Rows = index.search(texts, TOP)[1]
    return rows


def curve(settings: Sequence[tuple[str, Search]], texts: Vectors, truth: Rows) -> list[Point]:
    """Measure every setting."""
    points = []
    for setting, search in settings:
        for text in texts[:_WARM_UP]:
            search(text, TOP)
        taken, found = [], 0
        for text, nearest in zip(texts, truth, strict=True):
            began = time.perf_counter()
            rows = search(text, TOP)
            taken.append(time.perf_counter() - began)
            found += len(set(rows.tolist()) & set(nearest.tolist()))
        points.append(Point(setting, found / truth.size, 1e3 * float(np.median(taken))))
    return points


def latency_at(points: Sequence[Point], recall: float) -> float:
    """Return the latency at a recall, interpolated between settings; infinite where it is not reached."""
    best = float("inf")
    for low, high in zip((None, *points), points, strict=False):
        if high.recall < recall:
            continue
        if low is None or low.recall >= recall:
            best = min(best, high.p50_ms)
        else:
            share = (recall - low.recall) / (high.recall - low.recall)
            best = min(best, low.p50_ms + share * (high.p50_ms - low.p50_ms))
    return best


def show(name: str, points: Sequence[Point], build_s: float, bytes_per_vector: float) -> None:
    """Print a contender's curve."""
    print(f"  {name}: built in {build_s:.1f} s, {bytes_per_vector:.0f} bytes a vector in memory")
    for point in points:
        print(
            f"    {point.setting:34s} recall@10 {point.recall:.3f}   p50 {point.p50_ms:7.3f} ms", flush=True
        )
