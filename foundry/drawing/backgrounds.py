"""Backgrounds for scenes: flat, graded, noisy, patterned, and some that resemble out-of-focus photographs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from foundry.drawing.painting import (
    Array,
    blend,
    draw_colour,
    draw_ramp,
    draw_rgb,
    fractal_noise,
    grid,
    smooth_noise,
)

Painter = Callable[[np.random.Generator, int], Array]


def _flat(rng: np.random.Generator, size: int) -> Array:
    return np.broadcast_to(draw_colour(rng), (size, size, 3)).copy()


def _gradient(rng: np.random.Generator, size: int) -> Array:
    return blend(draw_ramp(rng, size), draw_colour(rng), draw_colour(rng))


def _radial(rng: np.random.Generator, size: int) -> Array:
    x, y = grid(size)
    distance = np.hypot(x - rng.uniform(0, 1), y - rng.uniform(0, 1))
    return blend(np.clip(distance, 0, 1), draw_colour(rng), draw_colour(rng))


def _clouds(rng: np.random.Generator, size: int) -> Array:
    return blend(fractal_noise(rng, size), draw_colour(rng), draw_colour(rng))


def _meadow(rng: np.random.Generator, size: int) -> Array:
    """Sky above, ground below, both uneven: what most outdoor photographs come down to."""
    _, y = grid(size)
    sky = blend(y, np.array([90, 150, 225], np.float32), np.array([215, 230, 245], np.float32))
    ground = (np.array([95, 140, 60]), np.array([190, 165, 120]), np.array([120, 120, 125]))[rng.integers(3)]
    ground_image = blend(
        fractal_noise(rng, size), ground.astype(np.float32) * 0.75, ground.astype(np.float32) * 1.15
    )
    horizon = rng.uniform(0.3, 0.75) + 0.08 * (smooth_noise(rng, size, 4)[0] - 0.5)
    edge = np.clip((y - horizon[None, :]) * size / 3 + 0.5, 0, 1)
    mix = sky * (1 - edge[..., None]) + ground_image * edge[..., None]
    return mix * rng.uniform(0.7, 1.1) + rng.uniform(-15, 15, 3).astype(np.float32)


def _blobs(rng: np.random.Generator, size: int) -> Array:
    """Soft discs, like lights that are out of focus."""
    x, y = grid(size)
    image = _flat(rng, size)
    for _ in range(int(rng.integers(3, 8))):
        radius = rng.uniform(0.06, 0.3)
        distance = np.hypot(x - rng.uniform(0, 1), y - rng.uniform(0, 1)) / radius
        weight = np.clip((1.15 - distance) * 4, 0, 1)[..., None] * rng.uniform(0.2, 0.7)
        image = image * (1 - weight) + draw_colour(rng) * weight
    return image


def _grain(rng: np.random.Generator, size: int) -> Array:
    return draw_colour(rng) + rng.normal(0, rng.uniform(4, 22), (size, size, 1)).astype(np.float32)


def _stripes(rng: np.random.Generator, size: int) -> Array:
    wave = 0.5 + 0.5 * np.sign(np.sin(draw_ramp(rng, size) * np.pi * rng.uniform(5, 22)))
    base = draw_colour(rng)
    return blend(wave, base, base + rng.uniform(-45, 45, 3).astype(np.float32))


def _checks(rng: np.random.Generator, size: int) -> Array:
    x, y = grid(size)
    count = rng.integers(3, 10)
    board = ((x * count).astype(int) + (y * count).astype(int)) % 2
    base = draw_colour(rng)
    return blend(board.astype(np.float32), base, base + rng.uniform(-45, 45, 3).astype(np.float32))


def _wood(rng: np.random.Generator, size: int) -> Array:
    """Grain that runs along one axis."""
    x, _ = grid(size)
    lines = np.sin((x + 0.12 * smooth_noise(rng, size, 4)) * rng.uniform(30, 80)) * 0.5 + 0.5
    image = blend(
        0.6 * lines + 0.4 * fractal_noise(rng, size), np.array([110, 70, 40], np.float32), draw_colour(rng)
    )
    return image if rng.integers(2) else image.transpose(1, 0, 2).copy()


def _interior(rng: np.random.Generator, size: int) -> Array:
    """Wall, table and a shadow at the edges."""
    x, y = grid(size)
    edge = np.clip((y - rng.uniform(0.45, 0.8)) * size / 2 + 0.5, 0, 1)[..., None]
    image = _clouds(rng, size) * 0.25 + draw_colour(rng) * 0.75 * (1 - edge) + draw_colour(rng) * 0.75 * edge
    return image * (1 - rng.uniform(0.1, 0.5) * np.hypot(x - 0.5, y - 0.5))[..., None]


def _dots(rng: np.random.Generator, size: int) -> Array:
    """Discs in rows, as on cloth and paper."""
    x, y = grid(size)
    count, radius = rng.uniform(3, 12), rng.uniform(0.15, 0.45)
    distance = np.hypot((x * count + rng.uniform()) % 1 - 0.5, (y * count + rng.uniform()) % 1 - 0.5)
    return blend((distance < radius).astype(np.float32), draw_colour(rng), draw_colour(rng))


def _plaid(rng: np.random.Generator, size: int) -> Array:
    """Bands of uneven width that cross."""
    across, along = (
        rng.integers(0, 2, int(rng.integers(4, 14)))
        .astype(np.float32)
        .repeat(size)[:: int(rng.integers(3, 13))]
        for _ in range(2)
    )
    weight = (np.resize(across, size)[None, :] + np.resize(along, size)[:, None]) / 2
    return blend(weight, draw_colour(rng), draw_colour(rng))


def _facets(rng: np.random.Generator, size: int) -> Array:
    """Cells around random points (a Voronoi diagram) in a few colours."""
    x, y = grid(size)
    points = rng.uniform(0, 1, (int(rng.integers(6, 40)), 2)).astype(np.float32)
    nearest = np.argmin([(x - px) ** 2 + (y - py) ** 2 for px, py in points], axis=0)
    palette = np.stack([draw_colour(rng) for _ in range(int(rng.integers(2, 6)))])
    return palette[rng.integers(0, len(palette), len(points))][nearest]


def _collage(rng: np.random.Generator, size: int) -> Array:
    """Cuttings of paper, one over another."""
    image = Image.new("RGB", (size, size), draw_rgb(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 30))):
        corners = rng.uniform(-0.2, 1.2, 2) + rng.uniform(-0.3, 0.3, (int(rng.integers(3, 6)), 2))
        draw.polygon([tuple(corner) for corner in (corners * size).tolist()], fill=draw_rgb(rng))
    return np.asarray(image, np.float32)


def _scribble(rng: np.random.Generator, size: int) -> Array:
    """Lines all over, as in scratches, writing and branches."""
    image = Image.new("RGB", (size, size), draw_rgb(rng))
    draw, inks = ImageDraw.Draw(image), [draw_rgb(rng) for _ in range(3)]
    for _ in range(int(rng.integers(6, 40))):
        path = (np.cumsum(rng.normal(0, 0.15, (5, 2)), axis=0) + rng.uniform(0, 1, 2)) * size
        draw.line(
            [tuple(point) for point in path.tolist()], inks[int(rng.integers(3))], int(rng.integers(1, 5))
        )
    return np.asarray(image, np.float32)


def _foliage(rng: np.random.Generator, size: int) -> Array:
    """Ellipses of a few colours, one over another, as leaves, pebbles and petals lie."""
    image = Image.new("RGB", (size, size), draw_rgb(rng))
    draw, colours = ImageDraw.Draw(image), [draw_rgb(rng) for _ in range(int(rng.integers(1, 5)))]
    largest = rng.uniform(0.04, 0.2) * size
    for _ in range(int(rng.integers(20, 120))):
        (x, y), (width, height) = rng.uniform(0, size, 2), rng.uniform(0.4, 1, 2) * largest
        draw.ellipse((x - width, y - height, x + width, y + height), colours[int(rng.integers(len(colours)))])
    return np.asarray(image, np.float32)


def _plasma(rng: np.random.Generator, size: int) -> Array:
    """Waves of each colour on their own, in several directions."""

    def wave() -> Array:
        first, second = (
            np.sin(draw_ramp(rng, size) * rng.uniform(3, 60) + rng.uniform(0, 7)) for _ in range(2)
        )
        return np.asarray((first + second) / 2)

    waves = [wave(), wave()]
    colour = draw_colour(rng)
    first, second = (wave[..., None] * rng.uniform(-60, 60, 3).astype(np.float32) for wave in waves)
    return np.asarray(colour + (first + second))


def _patchwork(rng: np.random.Generator, size: int) -> Array:
    """Two other kinds side by side: a wall and what stands before it, a field and a road."""
    simple = [painter for painter in TRAINING.values() if painter is not _patchwork]
    first, second = (simple[int(rng.integers(len(simple)))](rng, size) for _ in range(2))
    edge = np.clip((draw_ramp(rng, size) - rng.uniform(0.25, 0.75)) * size / rng.uniform(2, 30) + 0.5, 0, 1)
    return first * (1 - edge[..., None]) + second * edge[..., None]


def _weave(rng: np.random.Generator, size: int) -> Array:
    """Cloth of two threads; held out of training."""
    x, y = grid(size)
    turns = rng.uniform(20, 60)
    threads = 0.5 + 0.25 * np.sin(x * turns) + 0.25 * np.sin(y * turns * 1.3)
    return blend(threads, draw_colour(rng), draw_colour(rng))


def _rings(rng: np.random.Generator, size: int) -> Array:
    """Ripples around a point; held out of training."""
    x, y = grid(size)
    distance = np.hypot(x - rng.uniform(0, 1), y - rng.uniform(0, 1))
    base = draw_colour(rng)
    wave = 0.5 + 0.5 * np.sin(distance * rng.uniform(12, 50))
    return blend(wave, base, base + rng.uniform(-60, 60, 3).astype(np.float32))


def _terrazzo(rng: np.random.Generator, size: int) -> Array:
    """Stone with chips of two other colours; held out of training."""
    chips = smooth_noise(rng, size, int(rng.integers(8, 16)))
    image = _flat(rng, size)
    image[chips > 0.72] = draw_colour(rng)
    image[chips < 0.25] = draw_colour(rng)
    return image


TRAINING: dict[str, Painter] = {
    "flat": _flat,
    "gradient": _gradient,
    "radial": _radial,
    "clouds": _clouds,
    "meadow": _meadow,
    "blobs": _blobs,
    "grain": _grain,
    "stripes": _stripes,
    "checks": _checks,
    "wood": _wood,
    "interior": _interior,
    "dots": _dots,
    "plaid": _plaid,
    "facets": _facets,
    "collage": _collage,
    "scribble": _scribble,
    "foliage": _foliage,
    "plasma": _plasma,
    "patchwork": _patchwork,
}
HELD_OUT: dict[str, Painter] = {"weave": _weave, "rings": _rings, "terrazzo": _terrazzo}


def paint(rng: np.random.Generator, size: int, families: dict[str, Painter] | None = None) -> Array:
    """Paint a background.

    Parameters
    ----------
    rng
        Source of every choice.
    size
        Side in pixels.
    families
        The kinds to choose from: ``TRAINING`` unless told.

    Returns
    -------
    numpy.ndarray
        (size, size, 3) uint8, RGB.
    """
    painters = list((families or TRAINING).values())
    image = painters[int(rng.integers(len(painters)))](rng, size)
    return np.clip(image, 0, 255).astype(np.uint8)
