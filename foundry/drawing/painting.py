"""What backgrounds are painted with: colours, ramps and noise."""

from __future__ import annotations

import numpy as np
from PIL import Image

Array = np.ndarray


def draw_colour(rng: np.random.Generator) -> Array:
    """Draw an RGB colour, muted more often than vivid, as float32 in 0 to 255."""
    base = rng.uniform(20, 245, 3)
    return (base.mean() + (base - base.mean()) * rng.uniform(0.2, 1.0)).astype(np.float32)


def blend(weight: Array, low: Array, high: Array) -> Array:
    """Mix two colours by a (size, size) weight between 0 and 1."""
    return low + weight[..., None] * (high - low)


def grid(size: int) -> tuple[Array, Array]:
    """Return x and y of each pixel, between 0 and 1."""
    axis = np.linspace(0, 1, size, dtype=np.float32)
    return axis[None, :] * np.ones((size, 1), np.float32), axis[:, None] * np.ones((1, size), np.float32)


def draw_ramp(rng: np.random.Generator, size: int) -> Array:
    """Return a linear ramp from 0 to 1 in a random direction."""
    x, y = grid(size)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = x * np.cos(angle) + y * np.sin(angle)
    return (ramp - ramp.min()) / (np.ptp(ramp) + 1e-6)


def smooth_noise(rng: np.random.Generator, size: int, cells: int) -> Array:
    """Make value noise: random values on a coarse grid, enlarged.

    Parameters
    ----------
    rng
        Source of the values.
    size
        Side in pixels.
    cells
        Side of the coarse grid.

    Returns
    -------
    numpy.ndarray
        (size, size) float32 between 0 and 1.
    """
    coarse = rng.integers(0, 256, (cells, cells), dtype=np.uint8)
    return (
        np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC), np.float32) / 255
    )


def fractal_noise(rng: np.random.Generator, size: int) -> Array:
    """Make noise of three grids, one finer than the other, as (size, size) float32 between 0 and 1."""
    return (
        0.55 * smooth_noise(rng, size, 4)
        + 0.3 * smooth_noise(rng, size, 9)
        + 0.15 * smooth_noise(rng, size, 20)
    )


def draw_rgb(rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw a colour as Pillow takes it."""
    red, green, blue = np.clip(draw_colour(rng), 0, 255).astype(int).tolist()
    return red, green, blue
