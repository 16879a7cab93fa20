"""Photographs to measure with, cut from the sample gallery: distinct, and the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

GALLERY = Path(__file__).resolve().parents[2] / "local" / "gallery" / "photos"
SIDE = 512
LARGE = (4000, 3000)

_SHARES = (0.45, 0.95)  # of a photograph's shorter side that a crop may take
_NOISE = (
    4.0  # standard deviation in grey values: a camera's at ISO 400, so that files are as large as its are
)
_SEED = 0


def photographs(count: int) -> list[bytes]:
    """Return distinct JPEGs of 512 x 512 pixels.

    Parameters
    ----------
    count
        How many. They take turns with the gallery's photographs; each shows a part of its own, some mirrored.

    Returns
    -------
    list of bytes
        JPEG files of quality 90, with the usual halved colour resolution.
    """
    return [_jpeg(crop) for crop in crops(count)]


def crops(count: int) -> list[Image.Image]:
    """Return what those files show."""
    return [crop.resize((SIDE, SIDE), Image.Resampling.BICUBIC) for crop in islice(_crops(), count)]


def large_photographs(count: int) -> list[bytes]:
    """Return distinct baseline JPEGs of 12 megapixels (4000 x 3000) with a camera's noise.

    Parameters
    ----------
    count
        How many.
    """
    random = np.random.default_rng(_SEED)
    files = []
    for crop in islice(_crops(), count):
        picture = crop.resize(LARGE, Image.Resampling.BICUBIC)
        noise = random.normal(0, _NOISE, (LARGE[1], LARGE[0], 1)).astype(np.float32)
        noisy = np.clip(np.asarray(picture, np.float32) + noise, 0, 255)
        files.append(_jpeg(Image.fromarray(noisy.astype(np.uint8))))
    return files


def _crops() -> Iterator[Image.Image]:
    random = np.random.default_rng(_SEED)
    while True:
        for photograph in _gallery():
            short = min(photograph.size)
            side = int(short * random.uniform(*_SHARES))
            left = int(random.integers(0, photograph.width - side + 1))
            top = int(random.integers(0, photograph.height - side + 1))
            crop = photograph.crop((left, top, left + side, top + side))
            yield ImageOps.mirror(crop) if random.random() < 0.5 else crop


@cache
def _gallery() -> tuple[Image.Image, ...]:
    files = sorted(GALLERY.glob("*.jpg"))
    if not files:
        raise FileNotFoundError(f"{GALLERY} holds no photographs")
    return tuple(Image.open(file).convert("RGB") for file in files)


def _jpeg(picture: Image.Image) -> bytes:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=90)
    return stream.getvalue()
