"""Combines several embeddings into one query vector."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from glimpse.index.vectors import Vectors

_SMALLEST = 1e-6


def combine(vectors: npt.ArrayLike, weights: Sequence[float]) -> Vectors:
    """Return the normalised weighted sum of some embeddings, as a query vector: (d,) float32.

    Parameters
    ----------
    vectors : (n, d) float32
        Embeddings of texts and images, n ≥ 1. They are normalised first.
    weights : sequence of float
        One per embedding; negative for unwanted ones.

    Raises
    ------
    ValueError
        If the shapes disagree, a number is not finite, or a vector or the sum is zero.
    """
    parts = np.asarray(vectors, dtype=np.float64)
    factors = np.asarray(weights, dtype=np.float64)
    if parts.ndim != 2 or not len(parts) or factors.shape != (len(parts),):
        raise ValueError(f"shapes disagree: vectors {parts.shape}, weights {factors.shape}")
    if not (np.all(np.isfinite(parts)) and np.all(np.isfinite(factors))):
        raise ValueError("vectors and weights must be finite")
    lengths = np.linalg.norm(parts, axis=1)
    if not np.all(lengths > 0):
        raise ValueError("a vector of length 0 has no direction")
    total = factors @ (parts / lengths[:, np.newaxis])
    length = np.linalg.norm(total)
    if length <= _SMALLEST * max(1.0, np.abs(factors).max()):
        raise ValueError("the parts of the query cancel each other out")
    direction: Vectors = (total / length).astype(np.float32)
    return direction
