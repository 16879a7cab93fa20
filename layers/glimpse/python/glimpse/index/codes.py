"""Short codes for vectors: a rotation, a coarse partition, and four bits for each leading coordinate.

How a vector becomes a list and a code:

1. It is rotated by the leading eigenvectors of the vectors' second-moment matrix. (Not of the covariance:
   taking the mean away would change the ranking by inner product.) The leading coordinates hold what tells
   images apart.
2. The coarse partition is a spherical k-means of the first :data:`COARSE_DIMENSION` of them. For text
   queries, which lie off the images' distribution, centroids of unit length choose better lists than means
   do: a mean is the shorter the wider its cluster is.
3. What the centroid leaves over is coded with four bits a coordinate, by levels of its own for each: a
   product quantizer of one-dimensional parts (Jégou et al. 2011, "Product quantization for nearest
   neighbor search"), which FAISS scans in registers (André et al. 2015, "Cache locality is not enough").

Everything is trained and searched on the rounded values that a segment stores, so that rounding costs
no agreement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from glimpse.index.container import Buffer
from glimpse.index.errors import ObjectDamaged
from glimpse.index.segment import Vectors, pin_threads

Codes = npt.NDArray[np.uint8]
Lists = npt.NDArray[np.int64]

SECTIONS = ("rotation", "centroids", "centroid_scale", "levels")
CODE_DIMENSION = 192
"""Coordinates that are coded: on CLIP-like vectors more bring nothing, and 128 lose a point of recall."""

COARSE_DIMENSION = 320
"""Coordinates of the centroids: more than are coded, since a mean of hundreds of vectors is known finely."""

_LEVELS = 16
_BLOCK = 32
"""Vectors that FAISS scans at once."""

_ROTATION_SAMPLE = 100_000
_PER_CENTROID = 40
_ITERATIONS = 10
_LEVELS_SAMPLE = 65_536
_CHUNK = 65_536
_SEED = 1234


@dataclass(frozen=True, eq=False)
class Coder:
    """Turns vectors into lists and codes.

    Attributes
    ----------
    rotation : (E, d) float32
        Orthonormal rows, up to their rounding to half precision.
    centroids : (L, C) float32
        Of the lists, C ≤ E.
    levels : (D, 16) float32
        What the four bits of each coordinate stand for, D ≤ E.
    """

    rotation: Vectors
    centroids: Vectors
    levels: Vectors

    @classmethod
    def train(cls, vectors: Vectors, lists: int) -> Self:
        """Return a coder that suits some vectors, the same one for the same vectors.

        Parameters
        ----------
        vectors : (n, d) float32
            Unit vectors, n ≥ `lists`, d ≥ 2.
        lists : int
            How many lists.
        """
        pin_threads()
        rng = np.random.default_rng(_SEED)
        rotation = _leading_directions(_sample(vectors, _ROTATION_SAMPLE, rng))
        coarse = min(COARSE_DIMENSION, len(rotation))
        bounds = {"max_points_per_centroid": _PER_CENTROID, "min_points_per_centroid": 1}
        means = faiss.Kmeans(coarse, lists, niter=_ITERATIONS, spherical=True, seed=_SEED, **bounds)
        some = _sample(vectors, _PER_CENTROID * lists, rng)
        means.train(np.ascontiguousarray(some @ rotation[:coarse].T))
        coder = cls(
            rotation,
            _rounded(np.asarray(means.centroids).reshape(lists, coarse)),
            np.empty((0, 0), np.float32),
        )
        projected = coder.project(_sample(some, _LEVELS_SAMPLE, rng))
        coded = min(CODE_DIMENSION, len(rotation))
        quantizer = faiss.ProductQuantizer(coded, coded, 4)
        rest = coder._rest(projected, coder.assign(projected), coded)
        # FAISS wants at least one vector a level; fewer are repeated.
        quantizer.train(np.resize(rest, (max(len(rest), _LEVELS), rest.shape[1])))
        levels = faiss.vector_to_array(quantizer.centroids).reshape(coded, _LEVELS)
        return cls(rotation, coder.centroids, levels)

    @property
    def code_size(self) -> int:
        """Bytes of a code: half as many as there are coded coordinates."""
        return len(self.levels) // 2

    def project(self, vectors: Vectors) -> Vectors:
        """Return the (n, E) leading coordinates of (n, d) vectors."""
        return np.ascontiguousarray(vectors @ self.rotation.T)

    def assign(self, projected: Vectors) -> Lists:
        """Return the list of each of (n, E) projected vectors: the one of the largest inner product."""
        pin_threads()
        index = faiss.IndexFlatIP(self.centroids.shape[1])
        index.add(self.centroids)
        lists: Lists = index.search(np.ascontiguousarray(projected[:, : index.d]), 1)[1][:, 0]
        return lists

    def encode(self, vectors: Vectors) -> tuple[Lists, Codes]:
        """Return the list and the code of each of (n, d) vectors: (n,) int64 and (n, D/2) uint8."""
        lists = np.empty(len(vectors), np.int64)
        codes = np.empty((len(vectors), self.code_size), np.uint8)
        coded = len(self.levels)
        quantizer = faiss.ProductQuantizer(coded, coded, 4)
        faiss.copy_array_to_vector(self.levels.ravel(), quantizer.centroids)
        for start in range(0, len(vectors), _CHUNK):
            part = slice(start, start + _CHUNK)
            projected = self.project(vectors[part])
            lists[part] = self.assign(projected)
            pin_threads()
            codes[part] = quantizer.compute_codes(self._rest(projected, lists[part], coded))
        return lists, codes

    def scanner(self) -> Any:  # noqa: ANN401 - FAISS has no types
        """Return a FAISS index with these lists, all of them empty."""
        dimension, lists = len(self.levels), len(self.centroids)
        coarse = faiss.IndexFlatIP(dimension)  # stays empty: the lists to search come with the query
        index = faiss.IndexIVFPQFastScan(
            coarse, dimension, lists, dimension, 4, faiss.METRIC_INNER_PRODUCT, _BLOCK
        )
        index.by_residual = True
        faiss.copy_array_to_vector(self.levels.ravel(), index.pq.centroids)
        index.is_trained = True
        return index

    def sections(self) -> dict[str, Buffer]:
        """Return what a segment stores of this."""
        low, step = _scale(self.centroids)
        return {
            "rotation": self.rotation.astype("<f2").tobytes(),
            "centroids": np.rint((self.centroids - low) / step).astype(np.uint8).tobytes(),
            "centroid_scale": np.stack((low, step)).astype("<f4").tobytes(),
            "levels": self.levels.astype("<f4").tobytes(),
        }

    @classmethod
    def from_sections(cls, sections: Mapping[str, memoryview], dimension: int, lists: int) -> Self:
        """Read what :meth:`sections` wrote; ObjectDamaged if it does not fit together."""
        try:
            rotation = np.frombuffer(sections["rotation"], "<f2").reshape(-1, dimension).astype(np.float32)
            coarse = np.frombuffer(sections["centroids"], np.uint8).reshape(lists, -1)
            low, step = np.frombuffer(sections["centroid_scale"], "<f4").reshape(2, coarse.shape[1])
            levels = np.frombuffer(sections["levels"], "<f4").reshape(-1, _LEVELS)
        except ValueError as error:
            raise ObjectDamaged(f"its sections do not fit together: {error}") from error
        if not (0 < coarse.shape[1] <= len(rotation) and 0 < len(levels) <= len(rotation)) or len(levels) % 2:
            raise ObjectDamaged("its sections do not fit together: the coordinates disagree")
        coder = cls(rotation, coarse * step + low, levels.astype(np.float32))
        if not all(np.all(np.isfinite(a)) for a in (coder.rotation, coder.centroids, coder.levels)):
            raise ObjectDamaged("its codes are not numbers")
        return coder

    def _rest(self, projected: Vectors, lists: Lists, coded: int) -> Vectors:
        """Return what the centroids leave over of the coded coordinates of projected vectors."""
        rest = projected[:, :coded].copy()
        known = self.centroids[:, :coded]
        rest[:, : known.shape[1]] -= known[lists]
        return rest


def _sample(vectors: Vectors, count: int, rng: np.random.Generator) -> Vectors:
    if len(vectors) <= count:
        return vectors
    return vectors[np.sort(rng.choice(len(vectors), count, replace=False))]


def _leading_directions(vectors: Vectors) -> Vectors:
    """Return the leading eigenvectors of the second-moment matrix as rows, rounded to half precision."""
    _, directions = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    dimension = vectors.shape[1]
    kept = min(max(CODE_DIMENSION, COARSE_DIMENSION), dimension - dimension % 2)
    return np.ascontiguousarray(directions[:, ::-1][:, :kept].T, np.float16).astype(np.float32)


def _scale(centroids: Vectors) -> tuple[Vectors, Vectors]:
    """Return the lowest value of each coordinate, and the step between its 256 values."""
    low = centroids.min(axis=0)
    step = (centroids.max(axis=0) - low) / np.float32(255)
    return low, np.where(step > 0, step, np.float32(1))


def _rounded(centroids: Vectors) -> Vectors:
    """Return centroids as :meth:`Coder.from_sections` will read them."""
    low, step = _scale(centroids)
    rounded: Vectors = np.rint((centroids - low) / step).astype(np.uint8) * step + low
    return rounded
