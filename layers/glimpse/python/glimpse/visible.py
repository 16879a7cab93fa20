"""Tells whether text is visible, since a name or a query of nothing but blanks is as good as empty.

A character is visible if it leaves ink: a letter, number, punctuation or symbol. A combining mark alone is
not, since it needs a base character. Private-use and unassigned code points count as invisible. But Python's
tables are older than the newest emoji, so unassigned code points in the emoji blocks count as visible.

References
----------
.. [1] Unicode Character Database, DerivedCoreProperties.txt: Default_Ignorable_Code_Point; emoji-data.txt:
       Extended_Pictographic, with reserved ones
"""

import unicodedata

_IGNORABLE = (  # [1]_, with reserved ones
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3)),
    *((0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
# No ink either: the blank braille pattern, Egyptian blanks, a null notehead, annotation marks, and the object
# replacement character.
_BLANK = frozenset("\u2800\U00013441\U00013442\U0001d159\ufff9\ufffa\ufffb\ufffc")
_EMOJI = (0x1F000, 0x1FAFF)


def can_be_seen(text: str) -> bool:
    """Tell whether a text has at least one visible character; a combining mark alone is not visible."""
    return any(_leaves_ink(character) for character in text)


def is_invisible(character: str) -> bool:
    """Tell whether a character other than a space shows nothing."""
    return character in _BLANK or is_ignorable(character)


def is_ignorable(character: str) -> bool:
    """Tell whether a renderer that does not support a character shows nothing for it."""
    code = ord(character)
    return any(first <= code <= last for first, last in _IGNORABLE)


def _leaves_ink(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cn":
        return _EMOJI[0] <= ord(character) <= _EMOJI[1]
    return category[0] in "LNPS" and not is_invisible(character)
