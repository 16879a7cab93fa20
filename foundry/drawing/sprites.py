"""Pictures of single concepts on nothing: glyphs of the emoji font, and shapes."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from foundry.drawing import fonts
from foundry.drawing.concepts import SHAPES, load_concepts

STRIKE = 109  # the one size, in pixels per em, that the font's bitmaps come in
MASTER = 136  # side of a sprite in pixels: the width of one of those bitmaps
LEVELS = (24, 36, 52, 72, MASTER)  # the sides that sprites are kept in, so that small scenes are drawn fast


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(fonts.emoji_font()), STRIKE)


def glyph(character: str) -> Image.Image | None:
    """Draw one character.

    Parameters
    ----------
    character
        A single emoji.

    Returns
    -------
    PIL.Image.Image or None
        RGBA, ``MASTER`` x ``MASTER``, the drawing filling the longer side; ``None`` where the font has no
        picture.
    """
    canvas = Image.new("RGBA", (2 * MASTER, 2 * MASTER))
    ImageDraw.Draw(canvas).text((20, 20), character, font=_font(), embedded_color=True)
    box = canvas.getbbox()
    return None if box is None else _square(canvas.crop(box))


def _square(image: Image.Image) -> Image.Image:
    side = max(image.size)
    canvas = Image.new("RGBA", (side, side))
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas.resize((MASTER, MASTER), Image.Resampling.BICUBIC)


def _outline(shape: str) -> list[tuple[float, float]]:
    """Return the corners of a shape in the unit square, as (x, y)."""
    regular = {"triangle": (3, -90.0), "pentagon": (5, -90.0), "hexagon": (6, 0.0), "diamond": (4, -90.0)}
    if shape in regular:
        corners, start = regular[shape]
        width = 0.36 if shape == "diamond" else 0.5
        angles = [math.radians(start + 360 * k / corners) for k in range(corners)]
        return [(0.5 + width * math.cos(a), 0.5 + 0.5 * math.sin(a)) for a in angles]
    if shape == "square":
        return [(0.06, 0.06), (0.94, 0.06), (0.94, 0.94), (0.06, 0.94)]
    a, b = 0.34, 0.66  # the cross
    return [(a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b), (b, 1), (a, 1), (a, b), (0, b), (0, a), (a, a)]


@lru_cache(maxsize=len(SHAPES))
def shape_mask(shape: str) -> Image.Image:
    """Draw the silhouette of a shape.

    Parameters
    ----------
    shape
        One of ``SHAPES``.

    Returns
    -------
    PIL.Image.Image
        Mode L, ``MASTER`` x ``MASTER``.
    """
    side = 4 * MASTER  # drawn larger and shrunk, for smooth edges
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    if shape in ("circle", "hoop"):
        draw.ellipse((0, 0, side - 1, side - 1), fill=255)
        if shape == "hoop":
            draw.ellipse((side * 0.24, side * 0.24, side * 0.76, side * 0.76), fill=0)
    elif shape == "oval":
        draw.ellipse((0, side * 0.24, side - 1, side * 0.76), fill=255)
    elif shape == "semicircle":
        draw.pieslice((0, side * 0.25, side - 1, side * 1.25), 180, 360, fill=255)
    else:
        draw.polygon([(x * side, y * side) for x, y in _outline(shape)], fill=255)
    return mask.resize((MASTER, MASTER), Image.Resampling.LANCZOS)


@cache
def sprite(concept: int, side: int) -> Image.Image:
    """Return the picture of a concept.

    Parameters
    ----------
    concept
        Identifier of the concept.
    side
        One of ``LEVELS``: the side in pixels.

    Returns
    -------
    PIL.Image.Image
        RGBA for an emoji; for a shape its mask (mode L), which the scene colours.

    Raises
    ------
    ValueError
        If the font has no picture of the concept.
    """
    if side < MASTER:
        return sprite(concept, MASTER).resize((side, side), Image.Resampling.BICUBIC)
    item = load_concepts()[concept]
    picture = shape_mask(item.name) if item.is_shape else glyph(item.emoji)
    if picture is None:
        raise ValueError(f"The font has no picture of {item.name!r}.")
    return picture


def tinted(mask: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Colour a shape's mask, a little darker towards the bottom so that it is not perfectly flat.

    Parameters
    ----------
    mask
        Mode L.
    colour
        RGB, 0 to 255.

    Returns
    -------
    PIL.Image.Image
        RGBA of the mask's size.
    """
    shade = np.linspace(1.04, 0.9, mask.height, dtype=np.float32)[:, None, None]
    body = np.clip(np.array(colour, dtype=np.float32) * shade, 0, 255).astype(np.uint8)
    rgba = np.empty((mask.height, mask.width, 4), dtype=np.uint8)
    rgba[..., :3] = body
    rgba[..., 3] = np.asarray(mask)
    return Image.fromarray(rgba)
