"""Derives ``concepts.json`` from CLDR and the emoji font.

Usage: ``python -m foundry.drawing.derive_concepts``
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
from PIL import Image

from foundry.drawing import fonts
from foundry.drawing.concepts import COLOURS, CONCEPTS_FILE
from foundry.drawing.sprites import glyph

# CLDR lists the characters in the order of their groups. From here on come signs, arrows, buttons and flags,
# which no photograph shows, and which differ by a letter.
_FIRST_SIGN = "\U0001f3e7"
_NEVER = set("\U0001f7f0\U0001f595") | {chr(cp) for cp in range(0x1F550, 0x1F568)}


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
