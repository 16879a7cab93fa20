"""What photography does to a picture: slight turns and crops, exposure, colour, blur, grain and JPEG."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image, ImageFilter


def photographic(image: Image.Image, rng: random.Random) -> Image.Image:
    """Change a picture the way that cameras and files do, without changing what its caption says.

    Parameters
    ----------
    image
        RGB.
    rng
        Source of every choice.

    Returns
    -------
    PIL.Image.Image
        RGB, of the same size.
    """
    size = image.width
    if rng.random() < 0.35:
        image = _turn_and_crop(image, rng)
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.75) * size / 64))
    if rng.random() < 0.75:
        image = _expose(image, rng)
    if rng.random() < 0.3:
        image = _compress(image, rng.randint(30, 92))
    return image


def _turn_and_crop(image: Image.Image, rng: random.Random) -> Image.Image:
    """Turn by up to 5 degrees and enlarge by up to 8 % around a point near the middle."""
    size = image.width
    angle, scale = np.radians(rng.uniform(-5, 5)), 1 / rng.uniform(1.0, 1.08)
    cos, sin = float(np.cos(angle)) * scale, float(np.sin(angle)) * scale
    x, y = size / 2 + rng.uniform(-0.02, 0.02) * size, size / 2 + rng.uniform(-0.02, 0.02) * size
    matrix = (cos, sin, x - cos * size / 2 - sin * size / 2, -sin, cos, y + sin * size / 2 - cos * size / 2)
    padded = Image.fromarray(np.pad(np.asarray(image), ((8, 8), (8, 8), (0, 0)), mode="reflect"))
    shifted = (cos, sin, matrix[2] + 8, -sin, cos, matrix[5] + 8)
    return padded.transform((size, size), Image.Transform.AFFINE, shifted, Image.Resampling.BICUBIC)


def _expose(image: Image.Image, rng: random.Random) -> Image.Image:
    """Vary brightness, contrast, saturation and white balance, and add grain."""
    pixels = np.asarray(image).astype(np.float32)
    mean = pixels.mean()
    pixels = (pixels - mean) * rng.uniform(0.8, 1.2) + mean * rng.uniform(0.8, 1.2)
    grey = pixels.mean(-1, keepdims=True)
    pixels = grey + (pixels - grey) * rng.uniform(0.75, 1.2)
    pixels *= np.array([rng.uniform(0.95, 1.05) for _ in range(3)], np.float32)
    if rng.random() < 0.4:
        noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(pixels.shape, np.float32)
        pixels += noise * rng.uniform(1, 9)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _compress(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as decoded:
        return decoded.convert("RGB")
