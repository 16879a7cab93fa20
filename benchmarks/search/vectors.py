"""Vectors that behave like CLIP's, for when no real embeddings are at hand.

Images lie in a narrow cone (mean cosine of two images 0.39) around power-law clusters; after centring, the
covariance has a participation ratio of about 32 and its first 100 components hold 78 % of the variance, like
CLIP's. Text queries lie off that distribution (the modality gap), which is what makes approximate search on
CLIP embeddings harder than image-to-image data suggest: one-bit codes and graphs lose recall here that they
keep on well-separated clusters.

Origin: the project's shared benchmark material (``bench/vectors.py``); the same seed gives the same vectors.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DIMENSION = 512

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How images are spread.

    Attributes
    ----------
    decay : float
        Exponent of the spectrum; 0 is a flat one.
    concepts : int
        How many clusters there are.
    frequency : float
        Exponent of how often each occurs.
    cone, concept, noise : float
        What images are made of: a direction that all share, their cluster's, and one of their own.
    """

    decay: float = -0.5
    concepts: int = 3_000
    frequency: float = -0.7
    cone: float = 0.7
    concept: float = 0.7
    noise: float = 0.55


DISTRIBUTIONS = {
    "clip": Distribution(),
    "flat": Distribution(decay=-0.2, concepts=30_000, frequency=-0.3),
    "clusters": Distribution(decay=-0.3, concepts=500, frequency=0.0, cone=0.0, concept=1.0, noise=0.3),
    "random": Distribution(decay=0.0, concepts=1, cone=0.0, concept=0.0, noise=1.0),
}
"""CLIP's; a flatter spectrum with ten times the concepts; well-separated clusters; no structure."""


def make_vectors(
    count: int,
    queries: int = 1000,
    seed: int = 0,
    block: int = 100_000,
    distribution: Distribution = DISTRIBUTIONS["clip"],
) -> tuple[Vectors, Vectors]:
    """Return (count, 512) images and (queries, 512) texts: float32 unit vectors.

    Parameters
    ----------
    count, queries : int
        How many images and texts.
    seed : int
        The same one gives the same vectors.
    block : int
        Images made at once; another value makes other vectors.
    distribution : Distribution
        How they are spread.
    """
    rng = np.random.default_rng(seed)
    spectrum = (np.arange(1, DIMENSION + 1) ** distribution.decay).astype(np.float32)
    spectrum /= np.linalg.norm(spectrum)
    concepts = rng.standard_normal((distribution.concepts, DIMENSION), dtype=np.float32) * spectrum
    weights = np.arange(1, distribution.concepts + 1) ** distribution.frequency
    weights /= weights.sum()
    cone = rng.standard_normal(DIMENSION).astype(np.float32)
    cone /= np.linalg.norm(cone)

    images: Vectors = np.empty((count, DIMENSION), np.float32)
    for start in range(0, count, block):
        part = images[start : start + block]
        picked = rng.choice(distribution.concepts, len(part), p=weights)
        part[:] = distribution.cone * cone + distribution.concept * concepts[picked]
        part += distribution.noise * rng.standard_normal((len(part), DIMENSION), dtype=np.float32) * spectrum
        part /= np.linalg.norm(part, axis=1, keepdims=True)

    texts: Vectors = 0.5 * images[rng.choice(count, queries)] - (0.1 if distribution.cone else 0.0) * cone
    texts += 0.55 * rng.standard_normal((queries, DIMENSION), dtype=np.float32) * spectrum
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    return images, texts
