"""Whether two bundles of one model embed alike, so that their vectors may meet in one index.

Cosines are given as they are and after subtracting the reference's mean from both sides. Embeddings of a kind
lie close together (those of random weights very), so that even unrelated ones have a high cosine; what
tells them apart, and ranks a search, is what remains without the mean.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from glimpse.encoder import Bundle, BundleError, TextEncoder, VisualEncoder
from numpy.typing import NDArray
from PIL import Image

SMALLEST_COSINE = 0.99
LARGEST_BATCH_EFFECT = 1e-5
FEWEST = 50  # pictures and texts, below which the smallest cosine says little
_ALONE = 8  # inputs that are embedded alone as well

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Parity:
    """How near a bundle's embeddings are to its reference's.

    Attributes
    ----------
    image_cosine_min, text_cosine_min
        Smallest cosine between the two embeddings of one input.
    image_centred_min, text_centred_min
        The same after subtracting the reference's mean.
    batch_effect
        Largest difference of a component between embedding an input alone and in company.
    """

    image_cosine_min: float
    text_cosine_min: float
    image_centred_min: float
    text_centred_min: float
    batch_effect: float

    @property
    def holds(self) -> bool:
        """Whether the bundle may stand in for its reference."""
        return not self.faults()

    def faults(self, smallest: float = SMALLEST_COSINE) -> list[str]:
        """Say what is too far off.

        Parameters
        ----------
        smallest
            The cosine that every input has to reach, with and without the mean.

        Returns
        -------
        list of str
            A phrase for each fault; empty if parity holds.
        """
        figures = asdict(self)
        effect = figures.pop("batch_effect")
        found = [
            f"{name} {value:.4f} < {smallest}" for name, value in figures.items() if not value >= smallest
        ]
        if not effect <= LARGEST_BATCH_EFFECT:
            found.append(f"batch_effect {effect:.1e} > {LARGEST_BATCH_EFFECT:.0e}")
        return found

    def faults_of(self, kind: str) -> list[str]:
        """Say what is too far off in the half that embeds a kind of input: ``image`` or ``text``."""
        return [fault for fault in self.faults() if fault.startswith(kind)]

    def as_json(self) -> dict[str, float]:
        """Return the figures, rounded, for a configuration or a table."""
        return {name: round(float(value), 6) for name, value in asdict(self).items()}


def compare(source: Path, bundle: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> Parity:
    """Embed the same inputs with two bundles.

    Parameters
    ----------
    source, bundle
        Folders of the reference and of what is to be judged.
    images
        Distinct upright pictures, at least ``FEWEST``.
    texts
        Distinct texts, at least ``FEWEST``.

    Returns
    -------
    Parity
        The distances between the two; not numbers where the bundle has no embedding to give.

    Raises
    ------
    ValueError
        If there are too few inputs.
    BundleError
        If a bundle can't be used, or the two do not claim the same space.
    """
    return Reference(source, images, texts).judge(bundle)


class Reference:
    """What a bundle makes of pictures and texts, to judge others of its space by.

    Parameters
    ----------
    source, images, texts
        As for ``compare``, which is this for one bundle; the same errors are raised.
    """

    def __init__(self, source: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> None:
        if len(images) < FEWEST or len(set(texts)) < FEWEST:
            raise ValueError(
                f"{len(images)} pictures and {len(set(texts))} texts: at least {FEWEST} are needed"
            )
        self._source, self._images, self._texts = source, images, texts
        self._space = Bundle.load(source).space_id
        # One model in memory at a time: the largest take gigabytes.
        self._expected, self._read = embed_images(source, images), embed_texts(source, texts)

    def judge(self, bundle: Path) -> Parity:
        """Embed the same with another bundle, and say how near it comes."""
        space = Bundle.load(bundle).space_id
        if space != self._space:
            raise BundleError(
                f"{self._source} is of the space {self._space}, {bundle} of {space}: nothing to compare"
            )
        images, texts = self._images, self._texts
        try:
            seen, seen_alone = embed_images(bundle, images), embed_images(bundle, images[:_ALONE], alone=True)
            said, said_alone = embed_texts(bundle, texts), embed_texts(bundle, texts[:_ALONE], alone=True)
        except ArithmeticError:  # an embedding of zeros or without a number: as far off as can be
            return Parity(*[float("nan")] * 5)
        effects = [np.abs(a - b[:_ALONE]).max() for a, b in ((seen_alone, seen), (said_alone, said))]
        return Parity(*nearness(self._expected, seen, self._read, said), float(max(effects)))


def nearness(
    images: Vectors, other_images: Vectors, texts: Vectors, other_texts: Vectors
) -> tuple[float, float, float, float]:
    """Return the smallest cosines between embeddings: of images, texts, then both without the mean.

    Parameters
    ----------
    images, texts
        The reference's (n, D) embeddings.
    other_images, other_texts
        What is compared with them, row by row.

    Returns
    -------
    tuple of float
        In the order of ``Parity``'s attributes.
    """
    pairs = ((images, other_images), (texts, other_texts))
    raw = [float(cosines(a, b).min()) for a, b in pairs]
    centred = [float(cosines(a - a.mean(axis=0), b - a.mean(axis=0)).min()) for a, b in pairs]
    return raw[0], raw[1], centred[0], centred[1]


def record(bundle: Path, parity: Parity) -> None:
    """Write the figures into a bundle's configuration, as ``glimpse.parity``.

    Parameters
    ----------
    bundle
        Folder; its digest changes, its space doesn't.
    parity
        What was measured.
    """
    file = bundle / "config.json"
    config: dict[str, Any] = Bundle.load(bundle).config
    config["glimpse"] = config.get("glimpse", {}) | {"parity": parity.as_json()}
    file.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def embed_images(path: Path, images: Sequence[Image.Image], *, alone: bool = False) -> Vectors:
    """Embed pictures with the bundle in a folder, together or one by one: (n, D)."""
    encoder = VisualEncoder(Bundle.load(path), threads=2)
    if alone:
        return np.concatenate([encoder.embed_images([image]) for image in images])
    return encoder.embed_images(images)


def embed_texts(path: Path, texts: Sequence[str], *, alone: bool = False) -> Vectors:
    """Embed texts with the bundle in a folder, together or one by one: (n, D)."""
    encoder = TextEncoder(Bundle.load(path), threads=2)
    if alone:
        return np.concatenate([encoder.embed_texts([text]) for text in texts])
    return encoder.embed_texts(texts)


def cosines(first: Vectors, second: Vectors) -> Vectors:
    """Return the cosine of each row of two (n, D) arrays: (n,)."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products: Vectors = (first * second).sum(axis=1) / np.maximum(lengths, 1e-12)
    return products
