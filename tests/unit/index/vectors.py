"""Vectors for tests."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from glimpse.index import VectorBatch

DIMENSION = 16
UNKNOWN = -(2**63)


def unit_vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> npt.NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def batch_of(image_ids: Sequence[int], seed: int = 0, dimension: int = DIMENSION) -> VectorBatch:
    count = len(image_ids)
    return VectorBatch(
        np.array(image_ids, np.int64),
        unit_vectors(count, seed, dimension),
        np.full(count, UNKNOWN, np.int64),
    )
