"""Compares two bundles of one model, such as full precision and 8 bits: do they share a space.

Usage: ``python -m foundry.verify --source .cache/foundry/demo-fp32 --bundle models/demo``. Needs no torch.
Ends with status 1 if a cosine is too small, or if an embedding depends on the batch that it was computed
in.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from foundry.evaluate import BUNDLE, Encoders
from foundry.fonts import cache_folder
from foundry.heldout import draw_examples, draw_pictures

EXAMPLES = 200
SMALLEST_COSINE = 0.99
LARGEST_BATCH_EFFECT = 1e-5


def compare(source: Path, bundle: Path, seed: int) -> dict[str, float]:
    """Embed the same pictures and captions with two bundles.

    Parameters
    ----------
    source, bundle
        Folders of the bundles.
    seed
        Which pictures and captions to draw.

    Returns
    -------
    dict of str to float
        The smallest cosine between the two, for images and for texts, and the largest difference between
        embedding an image alone and in company.
    """
    examples = draw_examples(seed, EXAMPLES)
    pictures = draw_pictures(seed, examples)
    captions = [example.caption.text for example in examples]
    first, second = Encoders(source, threads=2), Encoders(bundle, threads=2)
    together = second.images(pictures)
    alone = np.concatenate([second.images([picture]) for picture in pictures[:20]])
    return {
        "images": float((first.images(pictures) * together).sum(1).min()),
        "texts": float((first.texts(captions) * second.texts(captions)).sum(1).min()),
        "batch effect": float(np.abs(alone - together[:20]).max()),
    }


def main() -> int:
    """Parse the command line and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, default=cache_folder() / "demo-fp32")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    result = compare(options.source, options.bundle, options.seed)
    for name, value in result.items():
        print(f"{name:<13} {value:.6f}")
    close = min(result["images"], result["texts"]) >= SMALLEST_COSINE
    return 0 if close and result["batch effect"] <= LARGEST_BATCH_EFFECT else 1


if __name__ == "__main__":
    sys.exit(main())
