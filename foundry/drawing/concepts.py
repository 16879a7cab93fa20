"""What scenes can show: emoji concepts with their names and keywords, shapes, colours and categories.

``concepts.json`` and ``categories.json`` are derived from CLDR and committed, so that drawing needs the font
only. ``python -m foundry.drawing.derive_concepts`` writes ``concepts.json`` anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CONCEPTS_FILE = Path(__file__).with_name("concepts.json")
CATEGORIES_FILE = Path(__file__).with_name("categories.json")
SHAPES = (
    "circle",
    "square",
    "triangle",
    "diamond",
    "cross",
    "pentagon",
    "hexagon",
    "oval",
    "semicircle",
    "hoop",
)
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 38, 36),
    "orange": (245, 134, 22),
    "yellow": (250, 215, 40),
    "green": (44, 150, 62),
    "blue": (38, 92, 208),
    "purple": (130, 54, 170),
    "pink": (246, 130, 180),
    "brown": (124, 78, 46),
    "black": (24, 24, 28),
    "white": (248, 248, 246),
    "grey": (134, 136, 140),
}
COLOUR_SYNONYMS = {"grey": ("gray",), "purple": ("violet",)}


@dataclass(frozen=True)
class Concept:
    """Something that a scene can show.

    Attributes
    ----------
    name
        CLDR's short name in lower case, or the name of a shape.
    keywords
        CLDR's keywords in lower case, without the name.
    emoji
        The character, or ``""`` for a shape.
    colour
        The colour that most of the picture has, a key of ``COLOURS``; ``None`` for several, and for shapes,
        whose colour belongs to the scene.
    """

    name: str
    keywords: tuple[str, ...]
    emoji: str
    colour: str | None

    @property
    def is_shape(self) -> bool:
        """Whether the concept is a shape, which takes any colour."""
        return not self.emoji

    @property
    def phrases(self) -> tuple[str, ...]:
        """The name and the keywords, the name first."""
        return (self.name, *self.keywords)


@lru_cache(maxsize=1)
def load_concepts() -> tuple[Concept, ...]:
    """Return every concept: the emoji of ``concepts.json``, then the shapes.

    Returns
    -------
    tuple of Concept
        A concept's place in it is its identifier everywhere in the foundry.
    """
    rows = json.loads(CONCEPTS_FILE.read_text(encoding="utf-8"))["concepts"]
    emoji = [Concept(row["name"], tuple(row["keywords"]), row["emoji"], row["colour"]) for row in rows]
    return (*emoji, *(Concept(shape, ("shape",), "", None) for shape in SHAPES))


@lru_cache(maxsize=1)
def load_denotations() -> dict[str, frozenset[int]]:
    """Return what each phrase can stand for.

    Returns
    -------
    dict of str to frozenset of int
        For each name, keyword and category phrase the identifiers of the concepts that bear it.
    """
    concepts = load_concepts()
    bearers: dict[str, set[int]] = {}
    for number, concept in enumerate(concepts):
        for phrase in concept.phrases:
            bearers.setdefault(phrase, set()).add(number)
    by_emoji = {concept.emoji: number for number, concept in enumerate(concepts) if concept.emoji}
    for category in json.loads(CATEGORIES_FILE.read_text(encoding="utf-8"))["categories"]:
        members = {by_emoji[emoji] for emoji in category["members"] if emoji in by_emoji}
        for phrase in category["phrases"]:
            bearers.setdefault(phrase, set()).update(members)
    return {phrase: frozenset(numbers) for phrase, numbers in bearers.items()}


@lru_cache(maxsize=1)
def load_categories() -> dict[int, tuple[str, ...]]:
    """Return the category phrases of each concept.

    Returns
    -------
    dict of int to tuple of str
        Phrases such as "something to eat"; concepts of no category are left out.
    """
    found: dict[int, list[str]] = {}
    denotations = load_denotations()
    for category in json.loads(CATEGORIES_FILE.read_text(encoding="utf-8"))["categories"]:
        for phrase in category["phrases"]:
            for number in denotations[phrase]:
                found.setdefault(number, []).append(phrase)
    return {number: tuple(phrases) for number, phrases in found.items()}
