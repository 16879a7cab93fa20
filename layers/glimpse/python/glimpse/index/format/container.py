r"""The envelope of segments, tombstones and logs: a magic number, a JSON header, and binary sections.

====================  =========================================================================
bytes                 content
====================  =========================================================================
0–7                   the magic number ``\x93GLIMPSE``
8–11                  length H of the header, unsigned 32 bits, little-endian; 12 + H is a
                      multiple of 64
12 – 12 + H           the header: a JSON object in UTF-8, padded with spaces
from 12 + H           the sections, each aligned to 64 bytes
====================  =========================================================================

The header holds ``format_version``, ``kind``, and the fields that the kind adds. Its ``sections`` gives each
section's offset (from the end of the header) and length, by name.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glimpse.index.errors import ObjectDamaged, ObjectUnsupported
from glimpse.index.store.byte_ranges import ByteRange
from glimpse.index.store.object_store import Data

MAGIC = b"\x93GLIMPSE"
ALIGNMENT = 64
_PROLOGUE = len(MAGIC) + 4

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Container:
    """A decoded envelope: the header, and the sections as views into the object's bytes."""

    header: Mapping[str, Any]
    sections: Mapping[str, memoryview]


@dataclass(frozen=True, slots=True)
class SectionLayout:
    """A decoded header, and the byte range of each section in the object."""

    header: Mapping[str, Any]
    places: Mapping[str, ByteRange]


@dataclass(frozen=True, slots=True)
class Section:
    """A section to write: its length in bytes, and its bytes in pieces."""

    length: int
    pieces: Iterable[Buffer]


def encode(
    kind: str, format_version: int, fields: Mapping[str, int | str], sections: Mapping[str, Buffer]
) -> bytes:
    """Return an object with `sections`, and a header with `kind`, `format_version` and `fields`."""
    whole = {name: Section(memoryview(data).nbytes, (data,)) for name, data in sections.items()}
    return b"".join(stream(kind, format_version, fields, whole))


def stream(
    kind: str, format_version: int, fields: Mapping[str, int | str], sections: Mapping[str, Section]
) -> Iterator[Buffer]:
    """Yield the bytes of an object that is too large for memory; see :func:`encode`.

    Raises
    ------
    ValueError
        If a section's pieces don't add up to its stated length.
    """
    placed: dict[str, dict[str, int]] = {}
    end = 0
    for name, section in sections.items():
        start = end + -end % ALIGNMENT
        placed[name] = {"offset": start, "length": section.length}
        end = start + section.length
    header = json.dumps(
        {"format_version": format_version, "kind": kind, **fields, "sections": placed},
        separators=(",", ":"),
    ).encode()
    header += b" " * (-(_PROLOGUE + len(header)) % ALIGNMENT)
    yield MAGIC + len(header).to_bytes(4, "little") + header
    end = 0
    for name, section in sections.items():
        yield bytes(placed[name]["offset"] - end)
        end = placed[name]["offset"]
        for piece in section.pieces:
            end += memoryview(piece).nbytes
            yield piece
        if end != placed[name]["offset"] + section.length:
            raise ValueError(f"the section {name!r} does not have its stated length")


def decode(data: bytes, kind: str, format_version: int, names: tuple[str, ...]) -> Container:
    """Open an object of a known kind.

    Parameters
    ----------
    data : bytes
        The whole object.
    kind, format_version : str, int
        The kind, and the newest version of it, that the caller can read.
    names : tuple of str
        The sections that the caller needs.

    Raises
    ------
    ObjectUnsupported
        If the object is of another kind or a later version.
    ObjectDamaged
        If it is not an index object, or is truncated.
    """
    header, start = _open(data)
    _check_kind(header, kind, format_version)
    body = memoryview(data)[start:]
    return Container(header, {name: body[slice(*_place(header, name, len(body)))] for name in names})


def lay_out(head: Data, size: int, kind: str, format_version: int, names: tuple[str, ...]) -> SectionLayout:
    """Locate the sections of an object from its first bytes alone.

    Parameters
    ----------
    head : bytes
        The object's first bytes, including at least its header.
    size : int
        Size of the whole object, in bytes.
    kind, format_version, names
        As for :func:`decode`.

    Raises
    ------
    ObjectUnsupported, ObjectDamaged
        As for :func:`decode`.
    """
    header, start = _open(head)
    _check_kind(header, kind, format_version)
    places = {}
    for name in names:
        first, last = _place(header, name, size - start)
        places[name] = ByteRange(start + first, last - first)
    return SectionLayout(header, places)


def _check_kind(header: Mapping[str, Any], kind: str, format_version: int) -> None:
    if header.get("kind") != kind:
        raise ObjectUnsupported(f"its kind is {header.get('kind')!r}, not {kind!r}")
    version = header.get("format_version")
    if type(version) is not int or version < 1:
        raise ObjectDamaged("its header has no format version")
    if version > format_version:
        raise ObjectUnsupported(f"its format version is {version}; this version reads up to {format_version}")
    if not isinstance(header.get("sections"), dict):
        raise ObjectDamaged("its header names no sections")


def kind_of(data: Data) -> str:
    """Return the kind in an object's header; raise ObjectDamaged if it is not an index object."""
    return str(_open(data)[0].get("kind"))


def _open(data: Data) -> tuple[dict[str, Any], int]:
    """Return the header, and the offset at which the sections begin."""
    if data[: len(MAGIC)] != MAGIC or len(data) < _PROLOGUE:
        raise ObjectDamaged("it does not begin with an index object's magic number")
    end = _PROLOGUE + int.from_bytes(data[len(MAGIC) : _PROLOGUE], "little")
    if end > len(data):
        raise ObjectDamaged("it is truncated inside its header")
    try:
        header = json.loads(data[_PROLOGUE:end])
    except (ValueError, RecursionError) as error:
        raise ObjectDamaged(f"its header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise ObjectDamaged("its header is not a JSON object")
    return header, end


def _place(header: Mapping[str, Any], name: str, available: int) -> tuple[int, int]:
    """Return a section's start and end, relative to the end of the header."""
    place = header["sections"].get(name)
    if not isinstance(place, dict):
        raise ObjectDamaged(f"it has no section {name!r}")
    offset, length = place.get("offset"), place.get("length")
    if type(offset) is not int or type(length) is not int or offset < 0 or length < 0:
        raise ObjectDamaged(f"its section {name!r} has no valid offset and length")
    if offset + length > available:
        raise ObjectDamaged(f"it is truncated inside its section {name!r}")
    return offset, offset + length
