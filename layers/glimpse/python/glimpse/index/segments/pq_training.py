"""Trains a coder: directions, lists and levels. Only builders need this; readers don't.

1. The directions are the leading eigenvectors of the vectors' second-moment matrix. (Not of the covariance:
   subtracting the mean would change the ranking by inner product.) The coded ones are then randomly rotated
   among themselves. That spreads the variance evenly, as four bits for every coordinate and 8-bit scan tables
   require.
2. The lists are a spherical k-means of the first :data:`COARSE_DIMENSION` coordinates. Text queries lie off
   the images' distribution, and for them unit-length centroids choose better lists than means do: the wider a
   cluster is, the shorter is its mean.
3. The levels of each coordinate are the centroids of a k-means of the residuals.

Training uses samples, and the rounded values that a segment stores, so that training and search see the same
numbers.
"""

import os

import faiss
import numpy as np

from glimpse.index.format.container import Buffer
from glimpse.index.segments.pq import LEVELS, Coder, sections_of
from glimpse.index.vectors import Ids, VectorRows, Vectors

CODE_DIMENSION = 192
"""Coded coordinates: on CLIP-like vectors, more bring nothing, and 128 lose a point of recall."""

COARSE_DIMENSION = 320
"""Coordinates of the centroids: more than are coded, since a mean of hundreds of vectors is precise."""

CHUNK = 16_384
"""Rows processed at once."""

_MOMENT_SAMPLE = 100_000
_PER_CENTROID = 40
_ITERATIONS = 10
_LEVELS_SAMPLE = 65_536
_SEED = 1234


def use_threads() -> None:
    """Let FAISS use all threads that the process may use: building is long work on large chunks."""
    faiss.omp_set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))


def train(rows: VectorRows, lists: int) -> dict[str, Buffer]:
    """Train a coder for some vectors and return its sections. Training is deterministic.

    Parameters
    ----------
    rows : VectorRows
        n unit vectors of two or more dimensions, n ≥ `lists`.
    lists : int
        Number of lists.
    """
    use_threads()
    rng = np.random.default_rng(_SEED)
    rotation = _directions(_second_moments(rows, _sample(len(rows), _MOMENT_SAMPLE, rng)), rng)
    coarse = min(COARSE_DIMENSION, len(rotation))
    some = _projected(rows, _sample(len(rows), _PER_CENTROID * lists, rng), rotation)
    bounds = {"max_points_per_centroid": _PER_CENTROID, "min_points_per_centroid": 1}
    means = faiss.Kmeans(coarse, lists, niter=_ITERATIONS, spherical=True, seed=_SEED, **bounds)
    means.train(np.ascontiguousarray(some[:, :coarse]))
    centroids = np.asarray(means.centroids).reshape(lists, coarse)
    unknown = np.zeros((min(CODE_DIMENSION, len(rotation)), LEVELS), np.float32)
    coder = Coder.from_sections(sections_of(rotation, centroids, unknown), rows.dimension, lists)
    few = some[_sample(len(some), _LEVELS_SAMPLE, rng)]
    return sections_of(rotation, centroids, _levels(coder.rest(few, coder.assign(few))))


def _second_moments(rows: VectorRows, places: Ids) -> Vectors:
    moments = np.zeros((rows.dimension, rows.dimension), np.float32)
    for start in range(0, len(places), CHUNK):
        vectors = rows.take(places[start : start + CHUNK])
        moments += vectors.T @ vectors
    return moments


def _directions(moments: Vectors, rng: np.random.Generator) -> Vectors:
    """Return the leading eigenvectors of a (d, d) matrix as rows, the coded ones randomly rotated."""
    dimension = len(moments)
    kept = min(max(CODE_DIMENSION, COARSE_DIMENSION), dimension - dimension % 2)
    directions = np.linalg.eigh(moments.astype(np.float64))[1][:, ::-1][:, :kept].T
    coded = min(CODE_DIMENSION, kept)
    directions[:coded] = np.linalg.qr(rng.standard_normal((coded, coded)))[0] @ directions[:coded]
    return directions.astype(np.float32)


def _projected(rows: VectorRows, places: Ids, rotation: Vectors) -> Vectors:
    """Return the (k, E) leading coordinates of some rows."""
    projected = np.empty((len(places), len(rotation)), np.float32)
    for start in range(0, len(places), CHUNK):
        part = slice(start, start + CHUNK)
        projected[part] = rows.take(places[part]) @ rotation.T
    return projected


def _levels(rest: Vectors) -> Vectors:
    """Train the (D, 16) levels of (n, D) residuals: a product quantizer with one-dimensional sub-vectors."""
    coded = rest.shape[1]
    quantizer = faiss.ProductQuantizer(coded, coded, 4)
    quantizer.cp.min_points_per_centroid = 1  # silences a warning: a small index has few rows to train on
    # FAISS needs at least one vector per level, so repeat them if there are fewer.
    quantizer.train(np.resize(rest, (max(len(rest), LEVELS), coded)))
    levels: Vectors = faiss.vector_to_array(quantizer.centroids).reshape(coded, LEVELS)
    return levels


def _sample(count: int, most: int, rng: np.random.Generator) -> Ids:
    """Return up to `most` of the positions 0 … `count` - 1, ascending."""
    if count <= most:
        return np.arange(count)
    return np.sort(rng.choice(count, most, replace=False))
