"""Golden vectors: what a model made of fixed pictures and texts once, and has to make of them ever after.

Usage: ``python -m foundry.comparison.golden --bundle .cache/foundry/demo-fp32 --output golden.npz``
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from glimpse.encoder import Bundle
from PIL import Image

from foundry.comparison import samples
from foundry.comparison.parity import Vectors, cosines, embed_images, embed_texts

COUNT = 8  # pictures and texts
_STEP = 8  # of the samples, every so many: photographs, parts of them, drawn pictures, sentences


def inputs() -> tuple[list[Image.Image], list[str]]:
    """Return the pictures and texts that golden vectors are of."""
    return samples.pictures()[::_STEP][:COUNT], list(samples.TEXTS[::_STEP][:COUNT])


def write(images: Vectors, texts: Vectors, space_id: str, file: Path) -> None:
    """Keep embeddings as golden vectors.

    Parameters
    ----------
    images, texts
        (COUNT, D) unit vectors of ``inputs()``.
    space_id
        The embedding space that they are of.
    file
        The ``.npz`` to write.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        file,
        space_id=np.array(space_id),
        images=images.astype(np.float16),
        texts=texts.astype(np.float16),
    )


def nearest(images: Vectors, texts: Vectors, space_id: str, file: Path) -> tuple[float, float]:
    """Compare embeddings with golden vectors.

    Parameters
    ----------
    images, texts, space_id
        As for ``write``.
    file
        What that has written.

    Returns
    -------
    tuple of float
        The smallest cosine of images and of texts.

    Raises
    ------
    ValueError
        If the file is of another space: another model asks for new golden vectors.
    """
    with np.load(file) as golden:
        if str(golden["space_id"]) != space_id:
            raise ValueError(f"{file} is of the space {golden['space_id']}, not {space_id}; write it anew")
        pairs = ((images, golden["images"]), (texts, golden["texts"]))
        first, second = (float(cosines(a, b.astype(np.float32)).min()) for a, b in pairs)
    return first, second


def main() -> None:
    """Parse the command line and write a bundle's golden vectors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    pictures, texts = inputs()
    vectors = embed_images(options.bundle, pictures), embed_texts(options.bundle, texts)
    write(*vectors, Bundle.load(options.bundle).space_id, options.output)


if __name__ == "__main__":
    main()
