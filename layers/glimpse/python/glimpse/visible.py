"""Which text can be seen: names of nothing but blanks look like none, and questions of them ask nothing.

A character is seen if it leaves ink: a letter, number, sign or symbol, but no mark, which needs one to stand
on. What private use means nobody knows, and a code point without a character means nothing. Python's tables
are older than the newest emoji, though, so the blocks in which Unicode adds those count as seen.

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
# No ink either: the braille pattern without dots, Egyptian blanks, a null notehead, annotation marks, and the
# mark of an object that is not there.
_BLANK = frozenset("\u2800\U00013441\U00013442\U0001d159\ufff9\ufffa\ufffb\ufffc")
_EMOJI = (0x1F000, 0x1FAFF)


def can_be_seen(text: str) -> bool:
    """Tell whether a text has a letter, number, sign or symbol that leaves ink; no mark alone does."""
    return any(_leaves_ink(character) for character in text)


def is_invisible(character: str) -> bool:
    """Tell whether a character shows nothing, though it is no space."""
    return character in _BLANK or is_ignorable(character)


def is_ignorable(character: str) -> bool:
    """Tell whether a character shows nothing where whoever draws it does not know it."""
    code = ord(character)
    return any(first <= code <= last for first, last in _IGNORABLE)


def _leaves_ink(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cn":
        return _EMOJI[0] <= ord(character) <= _EMOJI[1]
    return category[0] in "LNPS" and not is_invisible(character)
