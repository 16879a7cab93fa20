"""Measures a demo bundle on held-out scenes and on single words; needs no torch.

Usage: ``python -m foundry.demo_model.evaluate --bundle models/demo`` (``--seed`` for other scenes,
``--reference`` for a second bundle, such as the full-precision one, to compare with). Ends with status 1 if a
figure is below its bar.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from glimpse.encoder import Bundle, TextEncoder, VisualEncoder
from PIL import Image

from foundry.demo_model.heldout import check_examples, draw_examples, draw_pictures, draw_plain, single_words

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "demo"
BARS = {"recall@1": 0.85, "recall@5": 0.97, "word in first 5": 0.80}
LARGEST_LOSS = 0.01  # of recall@1, against the reference
SCENES = 1000
_CHUNK = 128


class Encoders:
    """Both halves of a bundle."""

    def __init__(self, path: Path, threads: int) -> None:
        bundle = Bundle.load(path)
        self._visual, self._text = (
            VisualEncoder(bundle, threads=threads),
            TextEncoder(bundle, threads=threads),
        )

    def images(self, pictures: list[Image.Image]) -> np.ndarray:
        """Embed pictures: (n, D) unit vectors."""
        parts = [pictures[i : i + _CHUNK] for i in range(0, len(pictures), _CHUNK)]
        return np.concatenate([self._visual.embed_images(part) for part in parts])

    def texts(self, texts: list[str]) -> np.ndarray:
        """Embed texts: (n, D) unit vectors."""
        parts = [texts[i : i + _CHUNK] for i in range(0, len(texts), _CHUNK)]
        return np.concatenate([self._text.embed_texts(part) for part in parts])


def recall(scores: np.ndarray, first: int) -> float:
    """Return the share of texts whose own image is among the first.

    Parameters
    ----------
    scores
        (n, n): texts by images; the own image has the text's number.
    first
        How many of the best images count.

    Returns
    -------
    float
        Between 0 and 1. An image that scores as high as the own one counts as before it.
    """
    own = np.diag(scores)[:, None]
    return float(((scores >= own).sum(1) <= first).mean())


def word_hits(scores: np.ndarray, bearers: list[frozenset[int]], first: int) -> float:
    """Return the share of words that one of the first pictures bears.

    Parameters
    ----------
    scores
        (words, concepts).
    bearers
        For each word the concepts that bear it.
    first
        How many of the best pictures count.

    Returns
    -------
    float
        Between 0 and 1.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :first]
    return float(np.mean([bool(own & set(row.tolist())) for own, row in zip(bearers, best, strict=True)]))


def measure(bundle: Path, seed: int, threads: int) -> dict[str, float]:
    """Measure a bundle.

    Parameters
    ----------
    bundle
        Folder of the bundle.
    seed
        Which held-out scenes and plain pictures to draw.
    threads
        For ONNX Runtime.

    Returns
    -------
    dict of str to float
        The figures of ``BARS``.

    Raises
    ------
    ValueError
        If the scenes are not what they have to be.
    """
    encoders = Encoders(bundle, threads)
    examples = draw_examples(seed, SCENES)
    check_examples(examples)
    texts = encoders.texts([example.caption.text for example in examples])
    scores = texts @ encoders.images(draw_pictures(seed, examples)).T
    words = single_words()
    plain = encoders.texts(list(words)) @ encoders.images(draw_plain(seed)).T
    figures = (recall(scores, 1), recall(scores, 5), word_hits(plain, list(words.values()), 5))
    return dict(zip(BARS, figures, strict=True))


def main() -> int:
    """Parse the command line, measure, print a table and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    started = time.monotonic()
    figures = measure(options.bundle, options.seed, options.threads)
    passed = all(figures[name] >= bar for name, bar in BARS.items())
    result: dict[str, object] = {"seed": options.seed, "figures": figures}
    for name, bar in BARS.items():
        print(f"{name:<16} {figures[name]:.3f}  (bar {bar:.2f})")
    if options.reference:
        reference = measure(options.reference, options.seed, options.threads)
        lost = reference["recall@1"] - figures["recall@1"]
        passed = passed and lost <= LARGEST_LOSS
        result["reference"] = reference
        print("reference        " + ", ".join(f"{name} {value:.3f}" for name, value in reference.items()))
        print(f"recall@1 lost    {lost:.3f}  (at most {LARGEST_LOSS})")
    result |= {"passed": passed, "seconds": round(time.monotonic() - started, 1)}
    print(json.dumps(result))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
