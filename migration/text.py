"""Texts of unknown encoding: names from other systems need not be UTF-8.

Bytes that are not UTF-8 are kept in a ``str`` as in Python's file names (PEP 383, ``surrogateescape``), so
that a row and a file name with the same bytes are equal. Texts are made legible only to show or store them.
"""

import os
import re
from pathlib import Path, PurePath

_HAS_SURROGATES = re.compile(r"[\ud800-\udfff]")
_JAPANESE = re.compile(r"[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff9f\x20-\x7e]+")
_KANJI = r"\u4e00-\u9fff"
_LOOKS_JAPANESE = re.compile(
    rf"[\u3041-\u30fe]|(?<![A-Za-z{_KANJI}])[{_KANJI}]+(?![A-Za-z{_KANJI}])|[\uff66-\uff9f]{{2}}"
)
"""Kana, or kanji outside Latin words, where an apostrophe or a ligature may be mistaken for them."""
_WESTERN = re.compile(r"[\x20-\x7eÀ-ÖØ-öø-ÿ]+")


def from_bytes(raw: bytes) -> str:
    """Return a text that preserves all bytes."""
    return raw.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes | None:
    """Return the bytes that a text was made from; None if it was not made from bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None


def of_path(path: PurePath) -> str:
    """Return a path as such a text, whatever the locale's encoding of file names."""
    return from_bytes(os.fsencode(path))


def to_path(text: str) -> Path:
    """Return the path of a text that :func:`of_path` returned."""
    return Path(os.fsdecode(text.encode("utf-8", "surrogateescape")))


def is_legible(text: str) -> bool:
    """Tell whether a text can be written as UTF-8."""
    return _HAS_SURROGATES.search(text) is None


def legible(text: str) -> str:
    """Return a text that can be written as UTF-8, decoded from its most likely encoding.

    Names are too short for statistics, so only encodings that can be told apart by form are tried: UTF-8,
    Windows' Shift-JIS (cp932), and Western European (cp1252). Bytes that none can decode become U+FFFD.
    """
    if is_legible(text):
        return text
    raw = to_bytes(text)
    if raw is None:
        # Lone surrogates, possible in JSON and UTF-16; two that belong together become one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "/".join(_read(part) for part in raw.split(b"/"))


def shown(text: str) -> str:
    """Return a text as one line that is safe for any terminal: legible, with invisible characters escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in legible(text)
    )


def _read(raw: bytes) -> str:
    utf8 = _strict(raw, "utf-8")
    if utf8 is not None:
        return utf8
    western, japanese = _strict(raw, "cp1252"), _strict(raw, "cp932")
    if japanese is not None and _JAPANESE.fullmatch(japanese):
        if western is None:
            return japanese
        if not _WESTERN.fullmatch(western) and _LOOKS_JAPANESE.search(japanese):
            return japanese
    return raw.decode("cp1252", "replace")


def _strict(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
