"""Vectors that behave like CLIP's, for when no real embeddings are at hand.

Images lie in a narrow cone (mean cosine of two images 0.39) around power-law clusters; after centring, the
covariance has a participation ratio of about 32 and its first 100 components hold 78 % of the variance, like
CLIP's. Text queries lie off that distribution (the modality gap), which is what makes approximate search on
CLIP embeddings harder than image-to-image data suggest: one-bit codes and graphs lose recall here that they
keep on well-separated clusters.

Origin: the project's shared benchmark material (``bench/vectors.py``); the same seed gives the same vectors.
"""

import numpy as np
import numpy.typing as npt

DIMENSION = 512
_CONCEPTS = 3000

Vectors = npt.NDArray[np.float32]


def make_vectors(
    count: int, queries: int = 1000, seed: int = 0, block: int = 100_000
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
    """
    rng = np.random.default_rng(seed)
    spectrum = (np.arange(1, DIMENSION + 1) ** -0.5).astype(np.float32)
    spectrum /= np.linalg.norm(spectrum)
    concepts = rng.standard_normal((_CONCEPTS, DIMENSION), dtype=np.float32) * spectrum
    weights = np.arange(1, _CONCEPTS + 1) ** -0.7
    weights /= weights.sum()
    cone = rng.standard_normal(DIMENSION).astype(np.float32)
    cone /= np.linalg.norm(cone)

    images: Vectors = np.empty((count, DIMENSION), np.float32)
    for start in range(0, count, block):
        part = images[start : start + block]
        picked = rng.choice(_CONCEPTS, len(part), p=weights)
        part[:] = 0.7 * cone + 0.7 * concepts[picked]
        part += 0.55 * rng.standard_normal((len(part), DIMENSION), dtype=np.float32) * spectrum
        part /= np.linalg.norm(part, axis=1, keepdims=True)

    texts: Vectors = 0.5 * images[rng.choice(count, queries)] - 0.1 * cone
    texts += 0.55 * rng.standard_normal((queries, DIMENSION), dtype=np.float32) * spectrum
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    return images, texts
