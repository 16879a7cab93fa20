"""How a coder for some vectors is found: directions, lists and levels. A reader need not know.

1. The directions are the leading eigenvectors of the vectors' second-moment matrix. (Not of the covariance:
   taking the mean away would change the ranking by inner product.) Those that are coded are then turned among
   themselves, at random: each holds as much as any other afterwards, which is what codes of four bits for
   every coordinate, and scan tables of eight bits, need.
2. The lists are a spherical k-means of the first :data:`COARSE_DIMENSION` coordinates. For text queries,
   which lie off the images' distribution, centroids of unit length choose better lists than means do: a mean
   is the shorter the wider its cluster is.
3. The levels of each coordinate are the centroids of a k-means of what the lists' centroids leave over.

Everything is trained on samples, and on the rounded values that a segment stores, so that rounding costs no
agreement.
"""

import os

import faiss
import numpy as np

from glimpse.index.format.container import Buffer
from glimpse.index.segments.pq import LEVELS, Coder, sections_of
from glimpse.index.vectors import Ids, VectorRows, Vectors

CODE_DIMENSION = 192
"""Coordinates that are coded: on CLIP-like vectors more bring nothing, and 128 lose a point of recall."""

COARSE_DIMENSION = 320
"""Coordinates of the centroids: more than are coded, since a mean of hundreds of vectors is known finely."""

CHUNK = 16_384
"""VectorRows that are worked on at once."""

_MOMENT_SAMPLE = 100_000
_PER_CENTROID = 40
_ITERATIONS = 10
_LEVELS_SAMPLE = 65_536
_SEED = 1234


def use_threads() -> None:
    """Have FAISS use as many threads as the process was given: building is long work on large chunks."""
    faiss.omp_set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))


def train(rows: VectorRows, lists: int) -> dict[str, Buffer]:
    """Return the sections of a coder that suits some vectors, the same ones for the same vectors.

    Parameters
    ----------
    rows : VectorRows
        n unit vectors of two dimensions or more, n ≥ `lists`.
    lists : int
        How many lists.
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
    """Return the leading eigenvectors of a (d, d) matrix as rows, the coded ones turned."""
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
    """Return the (D, 16) levels of coordinates: a product quantizer whose parts have one dimension."""
    coded = rest.shape[1]
    quantizer = faiss.ProductQuantizer(coded, coded, 4)
    quantizer.cp.min_points_per_centroid = 1  # no warning: a small index has few rows to learn from
    # FAISS wants at least one vector a level; fewer are repeated.
    quantizer.train(np.resize(rest, (max(len(rest), LEVELS), coded)))
    levels: Vectors = faiss.vector_to_array(quantizer.centroids).reshape(coded, LEVELS)
    return levels


def _sample(count: int, most: int, rng: np.random.Generator) -> Ids:
    """Return places among `count`, ascending: `most` of them, or all."""
    if count <= most:
        return np.arange(count)
    return np.sort(rng.choice(count, most, replace=False))
