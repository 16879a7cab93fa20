"""Texts of unknown encoding: what other systems kept of names need not be UTF-8.

Bytes that are no UTF-8 stand in a ``str`` as Python's file names have them (PEP 383, ``surrogateescape``), so
that a row and a file of the same bytes are equal. Only what is shown or stored is made legible.
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
"""Kana, or characters of their own, which an apostrophe or a ligature within a word is taken for."""
_WESTERN = re.compile(r"[\x20-\x7eÀ-ÖØ-öø-ÿ]+")


def from_bytes(raw: bytes) -> str:
    """Return bytes as a text that keeps all of them."""
    return raw.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes | None:
    """Return the bytes that a text was made of; None if it was made of none."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None


def of_path(path: PurePath) -> str:
    """Return a path as such a text, whatever the locale says of file names."""
    return from_bytes(os.fsencode(path))


def to_path(text: str) -> Path:
    """Return the path that :func:`of_path` gave as a text."""
    return Path(os.fsdecode(text.encode("utf-8", "surrogateescape")))


def is_legible(text: str) -> bool:
    """Tell whether a text can be written as UTF-8."""
    return _HAS_SURROGATES.search(text) is None


def legible(text: str) -> str:
    """Return a text that can be written as UTF-8, read in the encoding that it most probably has.

    Names are too short for statistics, so only what is told apart by its form is tried: UTF-8, Shift-JIS as
    Windows has it (cp932), and Western European (cp1252). What none of them has becomes U+FFFD.
    """
    if is_legible(text):
        return text
    raw = to_bytes(text)
    if raw is None:
        # Halves of a pair, as JSON and UTF-16 can have them; those that belong together are one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "/".join(_read(part) for part in raw.split(b"/"))


def shown(text: str) -> str:
    """Return a text as one line that any terminal bears: legible, with what can't be seen escaped."""
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
