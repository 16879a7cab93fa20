"""What scenes can show: emoji concepts with their names and keywords, shapes, colours and categories.

``concepts.json`` and ``categories.json`` are derived from CLDR and committed, so that drawing needs the font
only. ``python -m foundry.concepts`` writes ``concepts.json`` anew.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from foundry import fonts

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
# CLDR lists the characters in the order of their groups. From here on come signs, arrows, buttons and flags,
# which no photograph shows, and which differ by a letter.
_FIRST_SIGN = "\U0001f3e7"
_NEVER = set("\U0001f7f0\U0001f595") | {chr(cp) for cp in range(0x1F550, 0x1F568)}


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


def main_colour(sprite: Image.Image) -> str | None:
    """Name the colour that most of a sprite has.

    Parameters
    ----------
    sprite
        An RGBA image.

    Returns
    -------
    str or None
        The key of ``COLOURS`` nearest to at least 55 % of the opaque pixels; ``None`` where there is none.
    """
    pixels = np.asarray(sprite.resize((48, 48))).reshape(-1, 4).astype(np.float32)
    pixels = pixels[pixels[:, 3] > 200, :3]
    if len(pixels) == 0:
        return None
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    nearest = ((pixels[:, None] - palette[None]) ** 2).sum(-1).argmin(1)
    votes = np.bincount(nearest, minlength=len(palette))
    return list(COLOURS)[int(votes.argmax())] if votes.max() >= 0.55 * len(pixels) else None


def build_concepts() -> list[dict[str, object]]:
    """Derive the concepts from CLDR and the font.

    Returns
    -------
    list of dict
        Rows with ``emoji``, ``name``, ``keywords`` and ``colour``, in CLDR's order, for every single
        character that the font draws and that is neither a sign, a clock face nor a tone of skin.
    """
    from foundry.sprites import glyph

    names: dict[str, str] = {}
    keywords: dict[str, list[str]] = {}
    for node in ET.parse(fonts.cldr_annotations()).iter("annotation"):  # noqa: S314 - a packaged file
        character, text = node.get("cp", ""), (node.text or "").lower().replace("’", "'")
        if node.get("type") == "tts":
            names[character] = text
        else:
            keywords[character] = [word.strip() for word in text.split("|")]
    rows: list[dict[str, object]] = []
    for character, name in names.items():
        if character == _FIRST_SIGN:
            break
        if len(character) != 1 or character in _NEVER or 0x1F3FB <= ord(character) <= 0x1F3FF:
            continue
        sprite = glyph(character)
        if sprite is None:
            continue
        own = [word for word in dict.fromkeys(keywords.get(character, [])) if word != name]
        rows.append({"emoji": character, "name": name, "keywords": own, "colour": main_colour(sprite)})
    return rows


def main() -> None:
    """Write ``concepts.json``."""
    rows = build_concepts()
    head = {
        "origin": "Unicode CLDR, common/annotations/en.xml; colours measured on Noto Color Emoji",
        "terms": "Unicode License (unicode.org/license.txt)",
    }
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "concepts": [\n' + lines + "\n]}\n"
    CONCEPTS_FILE.write_text(text, encoding="utf-8")
    print(f"{len(rows)} concepts written to {CONCEPTS_FILE.name}")


if __name__ == "__main__":
    main()
