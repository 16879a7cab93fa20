"""Vectors with their image ids and capture times, as writers and merges pass them on."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from glimpse.keys import MAX_ID

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Vectors = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
"""Vectors in half precision."""

_UNIT_TOLERANCE = 1e-3


class VectorRows(Protocol):
    """Distinct images and their vectors, which may lie outside memory."""

    @property
    def image_ids(self) -> Ids:
        """(n,) int64, distinct."""

    @property
    def taken_at(self) -> Ids:
        """(n,) int64, as :mod:`glimpse.index.format.capture_times` packs them; -2^63 for unknown."""

    @property
    def dimension(self) -> int:
        """Dimension d of the vectors."""

    def __len__(self) -> int: ...

    def take(self, places: Ids) -> Vectors:
        """Return the (k, d) float32 vectors at (k,) int64 positions."""


@dataclass(frozen=True, eq=False)
class VectorBatch:
    """Distinct images and their vectors, in memory.

    Parameters
    ----------
    image_ids : (n,) int64
        Distinct, 0…2^53-1.
    vectors : (n, d) float32
        Unit vectors.
    taken_at : (n,) int64
        As :mod:`glimpse.index.format.capture_times` packs them; -2^63 for unknown.

    Raises
    ------
    ValueError
        If the shapes disagree, an id repeats or is out of range, or a vector is not of unit length.
    """

    image_ids: Ids
    vectors: Vectors
    taken_at: Ids

    def __post_init__(self) -> None:
        for field, dtype in (("image_ids", np.int64), ("vectors", np.float32), ("taken_at", np.int64)):
            array = np.asarray(getattr(self, field))
            if not np.can_cast(array.dtype, dtype, "same_kind") and array.size:
                raise ValueError(f"{field} must be {np.dtype(dtype)}, not {array.dtype}")
            object.__setattr__(self, field, np.ascontiguousarray(array, dtype=dtype))
        count = len(self.image_ids)
        if self.vectors.ndim != 2 or self.vectors.shape[0] != count or self.taken_at.shape != (count,):
            raise ValueError(
                f"shapes disagree: image_ids {self.image_ids.shape}, vectors {self.vectors.shape}, "
                f"taken_at {self.taken_at.shape}"
            )
        check_image_ids(self.image_ids)
        if len(np.unique(self.image_ids)) != count:
            raise ValueError("image_ids repeat: each image has one vector")
        # Not the inverse comparison: a NaN must fail the check too.
        if not np.all(np.abs(np.linalg.norm(self.vectors, axis=1) - 1) <= _UNIT_TOLERANCE):
            raise ValueError("vectors must be of unit length")

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def dimension(self) -> int:
        """Dimension d of the vectors."""
        return int(self.vectors.shape[1])

    def take(self, places: Ids) -> Vectors:
        """Return the (k, d) float32 vectors at (k,) int64 positions."""
        taken: Vectors = self.vectors[places]
        return taken


def check_image_ids(image_ids: Ids) -> None:
    """Raise ValueError if an id lies outside 0…2^53-1."""
    if len(image_ids) and not (image_ids.min() >= 0 and image_ids.max() <= MAX_ID):
        raise ValueError("an image id must be between 0 and 2^53-1")
