"""Captions as claims: what a caption says of a scene, and whether that is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

from foundry.drawing.scenes import Box, Group, Scene

PLACES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {  # the rows and the columns that a place allows
    "on the left": ((0, 1, 2), (0,)),
    "on the right": ((0, 1, 2), (2,)),
    "at the top": ((0,), (0, 1, 2)),
    "at the bottom": ((2,), (0, 1, 2)),
    "in the middle": ((1,), (1,)),
    "in the centre": ((1,), (1,)),
    "in the center": ((1,), (1,)),
    "in the top left corner": ((0,), (0,)),
    "in the top right corner": ((0,), (2,)),
    "in the bottom left corner": ((2,), (0,)),
    "in the bottom right corner": ((2,), (2,)),
    "in a corner": ((0, 2), (0, 2)),
}
RELATIONS = {
    "left of": (("to the left of", "left of"), ("column", -1)),
    "right of": (("to the right of", "right of"), ("column", 1)),
    "above": (("above", "over", "on top of"), ("row", -1)),
    "below": (("below", "under", "beneath"), ("row", 1)),
}


@dataclass(frozen=True)
class Mention:
    """One noun phrase of a caption and what it claims.

    Attributes
    ----------
    denotation
        The concepts that the noun can stand for.
    count
        The number claimed; 0 for "a" or a bare noun, which claims at least one.
    colour, size, place
        What is claimed of each of the things: keys of ``COLOURS``, ``SIZES``, ``PLACES``; ``None`` for no
        claim.
    """

    denotation: frozenset[int]
    count: int = 0
    colour: str | None = None
    size: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Caption:
    """A text and its claims: mentions, and relations as (first mention, key of ``RELATIONS``, second)."""

    text: str
    mentions: tuple[Mention, ...]
    relations: tuple[tuple[int, str, int], ...] = ()


def _fits(mention: Mention, group: Group) -> bool:
    """Say whether everything but the number is true of a group."""
    if group.concept not in mention.denotation:
        return False
    if mention.colour not in (None, group.colour) or mention.size not in (None, group.size):
        return False
    return mention.place is None or is_placed(group, mention.place)


def is_placed(group: Group, place: str) -> bool:
    """Say whether all things of a group are in a place, a key of ``PLACES``."""
    rows, columns = PLACES[place]
    return all(row in rows and column in columns for row, column in group.cells)


def related(first: Group, relation: str, second: Group) -> bool:
    """Say whether every thing of one group is, by whole cells, in a relation to every thing of another."""
    axis, sign = RELATIONS[relation][1]

    def coordinate(box: Box) -> int:
        return box.column if axis == "column" else box.row

    return all((coordinate(a) - coordinate(b)) * sign > 0 for a in first.boxes for b in second.boxes)


def holds(caption: Caption, scene: Scene) -> bool:
    """Say whether a caption is true of a scene.

    Parameters
    ----------
    caption, scene
        What is claimed, and of what.

    Returns
    -------
    bool
        Whether the mentions can be given to different groups such that every claim is true; numbers are
        exact.
    """
    for groups in permutations(scene.groups, len(caption.mentions)):
        pairs = zip(caption.mentions, groups, strict=True)
        if all(_fits(m, g) and m.count in (0, len(g.boxes)) for m, g in pairs) and all(
            related(groups[a], relation, groups[b]) for a, relation, b in caption.relations
        ):
            return True
    return False


def may_hold(caption: Caption, scene: Scene) -> bool:
    """Say whether a caption is true of a scene in its weakest reading.

    A number claims no more than "at least one", two mentions may mean the same thing, and relations are
    disregarded: whoever reads captions more strictly finds fewer scenes, never others.

    Parameters
    ----------
    caption, scene
        What is claimed, and of what.

    Returns
    -------
    bool
        Whether each mention, its number aside, is true of some group.
    """
    return all(any(_fits(mention, group) for group in scene.groups) for mention in caption.mentions)
