"""The kinds of segment: which suits how many vectors, and which of them this version reads."""

from dataclasses import dataclass

from glimpse.index.format.manifest import ObjectEntry


@dataclass(frozen=True, slots=True)
class SegmentKind:
    """A kind of segment.

    Attributes
    ----------
    name : str
        As headers and manifests say it.
    format_version : int
        The one that this version writes, and the newest that it reads.
    """

    name: str
    format_version: int


FLAT = SegmentKind("flat", 1)
INVERTED = SegmentKind("inverted", 1)

INVERTED_FROM = 20_000
"""From so many vectors on a cold search reads far less of an inverted segment than the whole of a flat one
weighs, and a warm one is faster."""

_KINDS = {kind.name: kind for kind in (FLAT, INVERTED)}


def choose_kind(count: int) -> str:
    """Return the kind of segment that suits `count` vectors."""
    return INVERTED.name if count >= INVERTED_FROM else FLAT.name


def can_read(entry: ObjectEntry) -> bool:
    """Tell whether this version reads segments of an entry's kind and version."""
    kind = _KINDS.get(entry.kind)
    return kind is not None and entry.format_version <= kind.format_version
