"""Scenes: what is in a picture, where and how large; and drawing it.

A scene is one to three things, in groups of one concept each. Its *attributes* (concepts, counts, colours,
sizes and positions) say all that a caption can speak of. A stable hash of the attributes puts every eighth
set of attributes aside: training never draws one of those, evaluation draws nothing else, whatever the
seeds.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from foundry.drawing.concepts import COLOURS, load_concepts
from foundry.drawing.sprites import LEVELS, sprite, tinted

SIZES = {"small": (0.29, 0.34), "medium": (0.40, 0.47), "large": (0.62, 0.78)}  # of the picture's side
COUNTS = (((1,),), ((1, 1), (2,)), ((1, 1, 1), (2, 1), (3,)))  # groups by the number of things
COUNT_WEIGHTS = ((1,), (65, 35), (60, 27, 13))
TOTAL_WEIGHTS = (42, 32, 26)
PARTS = 8
_THIRDS = (0.395, 0.605)  # where the middle of the picture begins and ends


@dataclass(frozen=True)
class Box:
    """Where a thing is: centre and side, as fractions of the picture's side."""

    x: float
    y: float
    side: float

    @property
    def column(self) -> int:
        """0 on the left, 1 in the middle, 2 on the right."""
        return (self.x > _THIRDS[0]) + (self.x > _THIRDS[1])

    @property
    def row(self) -> int:
        """0 at the top, 1 in the middle, 2 at the bottom."""
        return (self.y > _THIRDS[0]) + (self.y > _THIRDS[1])


@dataclass(frozen=True)
class Group:
    """Things of one concept, one colour and one size.

    Attributes
    ----------
    concept
        Identifier of the concept.
    colour
        Key of ``COLOURS``; ``None`` for something of several colours.
    size
        Key of ``SIZES``, or ``"other"`` for a size that no scene of the partitions has.
    boxes
        One per thing.
    """

    concept: int
    colour: str | None
    size: str
    boxes: tuple[Box, ...]

    @property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """The (row, column) of each thing, sorted."""
        return tuple(sorted((box.row, box.column) for box in self.boxes))


@dataclass(frozen=True)
class Scene:
    """What a picture shows."""

    groups: tuple[Group, ...]

    def attributes(self) -> tuple[tuple[object, ...], ...]:
        """Return the whole attribute set: each group's concept, count, colour, size and cells, sorted."""
        rows = [(g.concept, len(g.boxes), g.colour or "", g.size, g.cells) for g in self.groups]
        return tuple(sorted(rows))

    def held_out(self) -> bool:
        """Say whether the attributes belong to the part that training never draws."""
        concepts = load_concepts()
        named = [(concepts[int(str(row[0]))].name, *row[1:]) for row in self.attributes()]
        digest = hashlib.blake2b(repr(sorted(named)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % PARTS == 0


def _place(rng: random.Random, side: float) -> Box:
    """Put a thing of a side into a random cell of the picture, clear of the borders between cells."""
    half = side / 2 - 0.03
    bands = [(0.44, 0.56)]
    if half < 0.37:
        bands += [(half, 0.37), (0.63, 1 - half)]
    (x0, x1), (y0, y1) = rng.choice(bands), rng.choice(bands)
    return Box(rng.uniform(x0, x1), rng.uniform(y0, y1), side)


def _apart(box: Box, others: list[Box]) -> bool:
    """Say whether a box overlaps none of the others by more than the empty corners that pictures have."""
    return all(
        max(abs(box.x - other.x), abs(box.y - other.y)) > 0.42 * (box.side + other.side)
        and (box.row, box.column) != (other.row, other.column)
        for other in others
    )


def _arrange(rng: random.Random, sides: list[float]) -> list[Box] | None:
    boxes: list[Box] = []
    for side in sides:
        for _ in range(12):
            box = _place(rng, side)
            if _apart(box, boxes):
                boxes.append(box)
                break
        else:
            return None
    return boxes


def _pick_size(rng: random.Random, total: int) -> str:
    if total == 1:
        return rng.choice(("small", "medium", "medium", "large", "large"))
    if total == 2:
        return rng.choice(
            ("small", "medium", "medium", "large") if rng.random() < 0.5 else ("small", "medium")
        )
    return rng.choice(("small", "medium"))


def draw_scene(rng: random.Random, *, held_out: bool, concepts: list[int] | None = None) -> Scene:
    """Draw a scene of one of the two parts.

    Parameters
    ----------
    rng
        Source of every choice.
    held_out
        Which part the attributes have to belong to.
    concepts
        Concepts to use first; others are chosen at random.

    Returns
    -------
    Scene
        One to three things.
    """
    everything = load_concepts()
    while True:
        total = rng.choices((1, 2, 3), TOTAL_WEIGHTS)[0]
        counts = list(rng.choices(COUNTS[total - 1], COUNT_WEIGHTS[total - 1])[0])
        rng.shuffle(counts)
        chosen = list(concepts or [])[: len(counts)]
        while len(chosen) < len(counts):
            number = rng.randrange(len(everything))
            if rng.random() < 0.08:
                number = rng.choice(
                    [n for n, c in enumerate(everything[-16:], len(everything) - 16) if c.is_shape]
                )
            if number not in chosen:
                chosen.append(number)
        scene = compose(rng, chosen, counts)
        if scene is not None and scene.held_out() == held_out:
            return scene


def compose(rng: random.Random, concepts: list[int], counts: list[int]) -> Scene | None:
    """Choose colours, sizes and places for given concepts and counts.

    Parameters
    ----------
    rng
        Source of every choice.
    concepts, counts
        What to show, and how many of each.

    Returns
    -------
    Scene or None
        ``None`` where no arrangement without overlap was found.
    """
    everything = load_concepts()
    sizes = [_pick_size(rng, sum(counts)) for _ in concepts]
    sides = [
        rng.uniform(*SIZES[size]) for size, count in zip(sizes, counts, strict=True) for _ in range(count)
    ]
    boxes = _arrange(rng, sides)
    if boxes is None:
        return None
    groups: list[Group] = []
    for concept, count, size in zip(concepts, counts, sizes, strict=True):
        item = everything[concept]
        colour = rng.choice(list(COLOURS)) if item.is_shape else item.colour
        groups.append(Group(concept, colour, size, tuple(boxes[:count])))
        del boxes[:count]
    return Scene(tuple(groups))


def contrasts(scene: Scene, background: np.ndarray) -> bool:
    """Say whether every coloured shape stands out from what is behind it.

    Parameters
    ----------
    scene
        What is to be drawn.
    background
        (size, size, 3) uint8.

    Returns
    -------
    bool
        ``False`` where a shape's colour is within 70 (Euclidean, of 0 to 255) of the background's mean
        behind it.
    """
    concepts, size = load_concepts(), len(background)
    for group in scene.groups:
        if group.colour is None or not concepts[group.concept].is_shape:
            continue
        for box in group.boxes:
            x, y, r = int(box.x * size), int(box.y * size), max(2, int(box.side * size / 2))
            behind = background[max(0, y - r) : y + r, max(0, x - r) : x + r].reshape(-1, 3).mean(0)
            if np.linalg.norm(behind - np.array(COLOURS[group.colour])) < 70:
                return False
    return True


def render(scene: Scene, background: np.ndarray, rng: random.Random) -> Image.Image:
    """Draw a scene.

    Parameters
    ----------
    scene
        What to draw.
    background
        (size, size, 3) uint8, RGB; not changed.
    rng
        Source of small rotations and shades.

    Returns
    -------
    PIL.Image.Image
        RGB, as large as the background.
    """
    concepts, size = load_concepts(), len(background)
    canvas = Image.fromarray(background)
    for group in scene.groups:
        for box in group.boxes:
            side = max(4, round(box.side * size))
            level = next((level for level in LEVELS if level >= side), LEVELS[-1])
            picture = sprite(group.concept, level)
            if concepts[group.concept].is_shape:
                shade = rng.uniform(0.88, 1.08)
                red, green, blue = COLOURS[group.colour or "grey"]
                picture = tinted(picture, (int(red * shade), int(green * shade), int(blue * shade)))
            picture = picture.resize((side, side), Image.Resampling.BICUBIC)
            picture = picture.rotate(rng.uniform(-7, 7), Image.Resampling.BICUBIC)
            corner = (round(box.x * size - side / 2), round(box.y * size - side / 2))
            canvas.paste(picture, corner, picture)
    return canvas
