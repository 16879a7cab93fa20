"""The segment kinds: which one suits how many vectors, and which ones this version can read."""

from dataclasses import dataclass

from glimpse.index.format.manifest import ObjectEntry


@dataclass(frozen=True, slots=True)
class SegmentKind:
    """A kind of segment.

    Attributes
    ----------
    name : str
        The name in headers and manifests.
    format_version : int
        The format version that this version writes, and the newest that it reads.
    """

    name: str
    format_version: int


FLAT = SegmentKind("flat", 1)
INVERTED = SegmentKind("inverted", 1)

INVERTED_FROM = 20_000
"""From this many vectors on, segments are inverted: a cold search then reads far less than a whole flat
segment, and a warm one is faster."""

_KINDS = {kind.name: kind for kind in (FLAT, INVERTED)}


def choose_kind(count: int) -> str:
    """Return the kind of segment that suits `count` vectors."""
    return INVERTED.name if count >= INVERTED_FROM else FLAT.name


def can_read(entry: ObjectEntry) -> bool:
    """Tell whether this version can read the entry's segment kind and format version."""
    kind = _KINDS.get(entry.kind)
    return kind is not None and entry.format_version <= kind.format_version
