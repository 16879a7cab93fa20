"""Compact codes for vectors: a rotation, a coarse quantizer, and four bits for each leading coordinate.

A vector is rotated and assigned to the list whose centroid has the largest inner product with it. The
residual is coded with four bits a coordinate, each coordinate with its own levels. That is a product
quantizer with one-dimensional sub-vectors (Jégou et al. 2011, "Product quantization for nearest neighbor
search"), which FAISS scans in SIMD registers (André et al. 2015, "Cache locality is not enough").
:mod:`glimpse.index.segments.pq_training` trains the directions, centroids and levels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from glimpse.index.errors import ObjectDamaged
from glimpse.index.format.container import Buffer
from glimpse.index.vectors import Ids, Vectors

Codes = npt.NDArray[np.uint8]

SECTIONS = ("rotation", "centroids", "centroid_scale", "levels")
LEVELS = 16
_HIGHEST = LEVELS - 1
_BLOCK = 32
"""Vectors in a block of FAISS's fast scan."""


def sections_of(rotation: Vectors, centroids: Vectors, levels: Vectors) -> dict[str, Buffer]:
    """Return the sections that store (E, d) directions, (L, C) centroids and (D, 16) levels, rounded."""
    low = centroids.min(axis=0)
    step = (centroids.max(axis=0) - low) / np.float32(_HIGHEST)
    step = np.where(step > 0, step, np.float32(1))
    steps = np.rint((centroids - low) / step).astype(np.uint8)
    return {
        "rotation": rotation.astype("<f2").tobytes(),
        "centroids": (steps[:, ::2] | steps[:, 1::2] << 4).tobytes(),
        "centroid_scale": np.stack((low, step)).astype("<f4").tobytes(),
        "levels": levels.astype("<f4").tobytes(),
    }


@dataclass(frozen=True, eq=False)
class Coder:
    """Assigns vectors to lists and encodes their residuals.

    Attributes
    ----------
    rotation : (E, d) float32
        Orthonormal rows, up to rounding to half precision.
    centroids : (L, C) float32
        The lists' centroids, of unit length, C ≤ E.
    levels : (D, 16) float32
        The values that the four bits of each coordinate stand for, D ≤ E.
    """

    rotation: Vectors
    centroids: Vectors
    levels: Vectors

    @classmethod
    def from_sections(cls, sections: Mapping[str, Buffer], dimension: int, lists: int) -> Self:
        """Decode the sections that :func:`sections_of` made; raise ObjectDamaged if they are inconsistent."""
        try:
            rotation = np.frombuffer(sections["rotation"], "<f2").reshape(-1, dimension).astype(np.float32)
            steps = np.frombuffer(sections["centroids"], np.uint8).reshape(lists, -1)
            low, step = np.frombuffer(sections["centroid_scale"], "<f4").reshape(2, 2 * steps.shape[1])
            levels = np.frombuffer(sections["levels"], "<f4").reshape(-1, LEVELS)
        except ValueError as error:
            raise ObjectDamaged(f"its sections are inconsistent: {error}") from error
        if not (0 < len(low) <= len(rotation) and 0 < len(levels) <= len(rotation)) or len(levels) % 2:
            raise ObjectDamaged("its sections are inconsistent: their numbers of coordinates disagree")
        centroids = np.empty((lists, len(low)), np.float32)
        centroids[:, ::2], centroids[:, 1::2] = steps & _HIGHEST, steps >> 4
        centroids *= step
        centroids += low
        lengths = np.linalg.norm(centroids, axis=1, keepdims=True)
        centroids /= np.where(lengths > 0, lengths, 1)
        coder = cls(rotation, centroids, levels.astype(np.float32))
        if not all(np.all(np.isfinite(a)) for a in (coder.rotation, coder.centroids, coder.levels)):
            raise ObjectDamaged("its rotation, centroids or levels are not finite numbers")
        return coder

    @property
    def code_size(self) -> int:
        """Size of a code in bytes: half the number of coded coordinates."""
        return len(self.levels) // 2

    def project(self, vectors: Vectors) -> Vectors:
        """Return the (n, E) leading coordinates of (n, d) vectors."""
        return np.ascontiguousarray(vectors @ self.rotation.T)

    def assign(self, projected: Vectors) -> Ids:
        """Return the list with the largest inner product for each of (n, E) projected vectors: (n,) int64."""
        index = faiss.IndexFlatIP(self.centroids.shape[1])
        index.add(self.centroids)
        lists: Ids = index.search(np.ascontiguousarray(projected[:, : index.d]), 1)[1][:, 0]
        return lists

    def rest(self, projected: Vectors, lists: Ids) -> Vectors:
        """Return the (n, D) residuals of projected vectors: coded coordinates minus lists' centroids."""
        coded = len(self.levels)
        rest = projected[:, :coded].copy()
        known = self.centroids[:, :coded]
        rest[:, : known.shape[1]] -= known[lists]
        return rest

    def encode(self, vectors: Vectors) -> tuple[Ids, Codes]:
        """Return the list and the code of each of (n, d) vectors: (n,) int64 and (n, D/2) uint8."""
        coded = len(self.levels)
        quantizer = faiss.ProductQuantizer(coded, coded, 4)
        faiss.copy_array_to_vector(self.levels.ravel(), quantizer.centroids)
        projected = self.project(vectors)
        lists = self.assign(projected)
        codes: Codes = quantizer.compute_codes(self.rest(projected, lists))
        return lists, codes

    def scanner(self) -> Any:  # noqa: ANN401 - FAISS has no types
        """Return a FAISS fast-scan index with these lists, all of them empty."""
        dimension, lists = len(self.levels), len(self.centroids)
        coarse = faiss.IndexFlatIP(dimension)  # stays empty: each query names its lists
        index = faiss.IndexIVFPQFastScan(
            coarse, dimension, lists, dimension, 4, faiss.METRIC_INNER_PRODUCT, _BLOCK
        )
        index.by_residual = True
        faiss.copy_array_to_vector(self.levels.ravel(), index.pq.centroids)
        index.is_trained = True
        return index
