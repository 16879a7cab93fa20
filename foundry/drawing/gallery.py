"""Renders the sample gallery: larger scenes on quiet backgrounds, named after what they show.

Usage: ``python -m foundry.drawing.gallery --output local/gallery/scenes``
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from foundry.drawing.concepts import load_concepts
from foundry.drawing.painting import smooth_noise
from foundry.drawing.scenes import Box, Group, Scene, render

SIDE = 512  # pixels
QUALITY = 82
Colour = tuple[int, int, int]
# The height of the horizon, then the colours above it (from, to) and below it (from, to).
PLACES: dict[str, tuple[float, Colour, Colour, Colour, Colour]] = {
    "meadow": (0.55, (120, 180, 235), (214, 234, 246), (128, 172, 84), (84, 138, 58)),
    "road": (0.5, (150, 190, 225), (226, 232, 236), (150, 152, 156), (104, 106, 112)),
    "table": (0.34, (232, 224, 210), (214, 202, 184), (168, 122, 84), (130, 88, 56)),
    "room": (0.72, (206, 214, 210), (226, 228, 220), (176, 150, 124), (150, 122, 96)),
    "sky": (0.9, (92, 156, 226), (206, 228, 246), (150, 178, 150), (120, 150, 120)),
    "sea": (0.3, (176, 212, 236), (232, 240, 244), (52, 132, 176), (22, 84, 132)),
    "snow": (0.55, (170, 196, 220), (222, 232, 240), (240, 244, 248), (208, 220, 232)),
    "desert": (0.48, (132, 186, 226), (240, 226, 200), (226, 194, 140), (198, 158, 104)),
    "night": (0.82, (20, 26, 60), (60, 66, 116), (34, 44, 58), (22, 28, 40)),
}
# File name, place, then for each thing: name of the concept, centre x and y, side, colour of a shape.
Row = tuple[str, str, tuple[tuple[str, float, float, float, str], ...]]
GALLERY: tuple[Row, ...] = (
    ("two-dogs-on-a-meadow", "meadow", (("dog", 0.28, 0.64, 0.44, ""), ("dog", 0.73, 0.58, 0.44, ""))),
    ("red-car-on-the-road", "road", (("automobile", 0.5, 0.6, 0.66, ""),)),
    ("pizza-on-the-table", "table", (("pizza", 0.5, 0.55, 0.66, ""),)),
    ("butterfly-in-the-garden", "meadow", (("butterfly", 0.5, 0.46, 0.64, ""),)),
    ("eagle-in-the-sky", "sky", (("eagle", 0.5, 0.45, 0.66, ""),)),
    ("sailboat-on-the-water", "sea", (("sailboat", 0.48, 0.5, 0.66, ""),)),
    (
        "three-apples",
        "table",
        (
            ("red apple", 0.22, 0.68, 0.33, ""),
            ("red apple", 0.76, 0.7, 0.33, ""),
            ("red apple", 0.5, 0.33, 0.33, ""),
        ),
    ),
    ("cat-and-mouse", "room", (("cat", 0.3, 0.5, 0.46, ""), ("mouse", 0.76, 0.7, 0.33, ""))),
    ("guitar-by-the-wall", "room", (("guitar", 0.5, 0.5, 0.7, ""),)),
    ("cup-of-coffee", "table", (("hot beverage", 0.5, 0.54, 0.64, ""),)),
    (
        "birthday-cake-and-balloon",
        "room",
        (("birthday cake", 0.3, 0.66, 0.45, ""), ("balloon", 0.74, 0.3, 0.43, "")),
    ),
    ("elephant-in-the-dust", "desert", (("elephant", 0.5, 0.55, 0.7, ""),)),
    ("penguin-in-the-snow", "snow", (("penguin", 0.5, 0.54, 0.66, ""),)),
    ("two-bicycles", "road", (("bicycle", 0.27, 0.6, 0.44, ""), ("bicycle", 0.73, 0.6, 0.44, ""))),
    ("house-under-the-sun", "meadow", (("house", 0.35, 0.64, 0.45, ""), ("sun", 0.77, 0.24, 0.32, ""))),
    ("fire-engine", "road", (("fire engine", 0.5, 0.58, 0.68, ""),)),
    ("sunflower", "meadow", (("sunflower", 0.5, 0.5, 0.7, ""),)),
    ("rocket-at-night", "night", (("rocket", 0.5, 0.5, 0.66, ""),)),
    ("owl-at-night", "night", (("owl", 0.5, 0.52, 0.64, ""),)),
    (
        "tropical-fish",
        "sea",
        (("tropical fish", 0.3, 0.36, 0.44, ""), ("tropical fish", 0.7, 0.66, 0.44, "")),
    ),
    ("soccer-ball-on-the-lawn", "meadow", (("soccer ball", 0.5, 0.6, 0.45, ""),)),
    ("train-in-the-snow", "snow", (("locomotive", 0.5, 0.56, 0.68, ""),)),
    (
        "blue-circle-and-yellow-triangle",
        "room",
        (("circle", 0.3, 0.5, 0.42, "blue"), ("triangle", 0.74, 0.5, 0.42, "yellow")),
    ),
    (
        "palm-tree-and-umbrella",
        "desert",
        (("palm tree", 0.3, 0.45, 0.46, ""), ("beach with umbrella", 0.74, 0.68, 0.42, "")),
    ),
)


def backdrop(generator: np.random.Generator, place: str) -> Image.Image:
    """Paint a quiet place: two graded zones, slightly uneven, with a soft horizon.

    Parameters
    ----------
    generator
        Source of the unevenness.
    place
        Key of ``PLACES``.

    Returns
    -------
    PIL.Image.Image
        RGB, ``SIDE`` x ``SIDE``.
    """
    horizon, *colours = PLACES[place]
    top, middle, near, bottom = (np.array(colour, np.float32) for colour in colours)
    y = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    above = top + (middle - top) * np.clip(y / horizon, 0, 1)
    below = near + (bottom - near) * np.clip((y - horizon) / (1 - horizon), 0, 1)
    uneven = smooth_noise(generator, SIDE, 5)[..., None] - 0.5
    edge = np.clip((y - horizon + 0.03 * uneven) * 60 + 0.5, 0, 1)
    fine = smooth_noise(generator, SIDE, 60)[..., None] - 0.5
    pixels = above * (1 - edge) + below * edge + 14 * uneven + 8 * fine * edge
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(2))


def compose(row: Row) -> Scene:
    """Turn a row of ``GALLERY`` into a scene.

    Parameters
    ----------
    row
        What to show, and where.

    Returns
    -------
    Scene
        One group for each thing.
    """
    numbers = {concept.name: number for number, concept in enumerate(load_concepts())}
    things = [(numbers[name], colour or None, Box(x, y, side)) for name, x, y, side, colour in row[2]]
    return Scene(tuple(Group(number, colour, "other", (box,)) for number, colour, box in things))


def paint(row: Row, seed: int) -> Image.Image:
    """Paint one picture.

    Parameters
    ----------
    row
        What to show.
    seed
        Seed of the background.

    Returns
    -------
    PIL.Image.Image
        RGB, ``SIDE`` x ``SIDE``.
    """
    rng, generator = random.Random(seed), np.random.default_rng(seed)  # noqa: S311 - not for secrets
    return render(compose(row), np.array(backdrop(generator, row[1])), rng)


def main() -> None:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for seed, row in enumerate(GALLERY):
        paint(row, seed).save(options.output / f"{row[0]}.jpg", quality=QUALITY, optimize=True)
    print(f"{len(GALLERY)} pictures in {options.output}")


if __name__ == "__main__":
    main()
