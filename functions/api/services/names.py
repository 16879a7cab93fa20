"""Names of accounts and folders: which characters they may contain, and which names look alike.

A name is displayed, so it needs a visible character, and none that affects the text around it. User names
are compared by how they look: case folding and the skeleton of Unicode's security mechanisms [1]_. Its tables
come from ``confusable_homoglyphs``, which lists each pair of confusables in both directions.

References
----------
.. [1] Unicode Technical Standard 39, section 4, https://www.unicode.org/reports/tr39/#Confusable_Detection
.. [2] Unicode Character Database, PropList.txt: Bidi_Control
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from glimpse.visible import can_be_seen, is_ignorable, is_invisible

from functions.api.services.errors import Unusable

MIN_USERNAME, MAX_USERNAME = 3, 150
MAX_FOLDER_NAME = 255  # characters, at most 1,020 bytes; DynamoDB's limit for sort keys is 1,024

_BIDI_CONTROLS = frozenset(  # [2]_
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_JOINERS = frozenset("\u200c\u200d")  # join emoji, and letters in Persian or Hindi
_FLAG, _TAGS_END = "\U0001f3f4", "\U000e007f"  # flags of England, Scotland and Wales are spelled in tags
_LEFT_TO_RIGHT = "\u200e"  # in the tables, around letters of scripts that run from right to left


def spelled(name: str) -> str:
    """Return the canonical spelling of a name: NFC, without surrounding space."""
    return unicodedata.normalize("NFC", name).strip()


def clean_username(username: str) -> str:
    """Return the canonical spelling of a new account's name.

    Raises
    ------
    Unusable
        If the name does not have 3 to 150 characters, has no visible characters, or has invisible ones.
    """
    name = spelled(username)
    if not MIN_USERNAME <= len(name) <= MAX_USERNAME:
        raise Unusable.of(
            "username", f"A username has {MIN_USERNAME} to {MAX_USERNAME} characters; choose another one."
        )
    if not can_be_seen(name):
        raise Unusable.of("username", "A username needs visible characters; choose another one.")
    if not is_username(name):
        raise Unusable.of("username", "A username can't contain invisible characters; choose another one.")
    return name


def is_username(name: str) -> bool:
    """Tell whether a name may be a new account's."""
    return (
        MIN_USERNAME <= len(name) <= MAX_USERNAME
        and can_be_seen(name)
        and not any(is_control(character) for character in name)
        and not _hides_something(name)
    )


def clean_folder_name(name: str) -> str:
    """Return the canonical spelling of a new folder's name.

    Raises
    ------
    Unusable
        If the name has no visible characters, has more than 255 characters, or contains control characters.
    """
    clean = spelled(name)
    if not clean or len(clean) > MAX_FOLDER_NAME:
        raise Unusable.of(
            "folderName", f"A folder's name has 1 to {MAX_FOLDER_NAME} characters; choose another one."
        )
    if any(is_control(character) for character in clean):
        raise Unusable.of(
            "folderName", "A folder's name can't contain control characters; choose another one."
        )
    if not can_be_seen(clean):
        raise Unusable.of("folderName", "A folder's name needs visible characters; choose another one.")
    return clean


def can_be_stored(name: str) -> bool:
    """Tell whether a folder of any version can have this name; a lone surrogate, for one, can't be a key."""
    return 1 <= len(name) <= MAX_FOLDER_NAME and all(
        unicodedata.category(character) != "Cs" for character in name
    )


def look_alikes(name: str) -> tuple[str, ...]:
    """Return digests of how a name looks; names that share one look alike. The first is for look-ups.

    Case is folded before the skeleton is taken, so that ``Ada`` equals ``ada`` in Cyrillic letters, too. In
    the second digest it is folded only afterwards: ``PayPaI`` looks like ``paypal`` only with its capital I.
    """
    folded = _fold(_skeleton(_fold(name)))
    seen = _fold(_skeleton(name))
    return tuple(dict.fromkeys(_digest(text) for text in (folded, seen)))


def _skeleton(name: str) -> str:
    """Return a name's skeleton, in which confusable characters are replaced by the same ones."""
    prototypes = _prototypes()
    decomposed = unicodedata.normalize("NFD", name)
    kept = (character for character in decomposed if not is_ignorable(character))
    return unicodedata.normalize("NFD", "".join(prototypes.get(each, each) for each in kept))


def _fold(name: str) -> str:
    """Fold case, and differences of width and style: full-width letters, ligatures, runs of spaces."""
    return " ".join(unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()).split())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


@cache
def _prototypes() -> Mapping[str, str]:
    """Return the prototype of each confusable character.

    The library's pairs form a star around each prototype: Unicode's table maps characters to it, and never
    maps the prototype itself. In an isolated pair either may be the prototype, unless one is a sequence.
    """
    table = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    prototypes: dict[str, str] = {}
    for source, pairs in table.items():
        if len(pairs) != 1 or len(_bare(source)) != 1:
            continue
        [target] = (pair["c"] for pair in pairs)
        alone = len(table[target]) == 1 and len(_bare(target)) == 1
        if not alone or target < source:
            prototypes[_bare(source)] = _bare(target)
    return prototypes


def _bare(text: str) -> str:
    return text.replace(_LEFT_TO_RIGHT, "")


def is_control(character: str) -> bool:
    """Tell whether a character is a control character, or can't be stored."""
    is_noncharacter = 0xFDD0 <= ord(character) <= 0xFDEF or ord(character) & 0xFFFE == 0xFFFE
    unseen = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    return unseen or is_noncharacter or character in _BIDI_CONTROLS


def _hides_something(name: str) -> bool:
    """Tell whether a name has invisible characters where they have no legitimate use.

    Joiners belong between two visible characters (after an optional variation selector), variation selectors
    after one, and tags in a flag.
    """
    before = ""  # the last character that can be seen, while nothing but a variation selector follows it
    for place, character in enumerate(name):
        if character in _JOINERS:
            after = name[place + 1 : place + 2]
            if not before or not after or not can_be_seen(after):
                return True
            before = ""
        elif "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
            if not before or name[place - 1] != before:
                return True
        elif "\U000e0020" <= character <= _TAGS_END:
            if not _is_in_flag(name, place):
                return True
        elif is_invisible(character) or _is_odd(character):
            return True
        else:
            before = "" if character == " " else character
    return False


def _is_in_flag(name: str, place: int) -> bool:
    start = place
    while start and "\U000e0020" <= name[start] <= _TAGS_END:
        start -= 1
    end = name.find(_TAGS_END, place)
    return name[start] == _FLAG and end >= 0 and _TAGS_END not in name[start:place]


def _is_odd(character: str) -> bool:
    """Tell whether a character is an unusual space, a private-use character or a format character."""
    return character != " " and unicodedata.category(character) in ("Zs", "Co", "Cf")
