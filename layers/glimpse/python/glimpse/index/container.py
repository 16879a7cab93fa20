r"""The envelope of segments and tombstones: a magic number, a JSON header, and binary sections.

====================  =========================================================================
bytes                 hold
====================  =========================================================================
0–7                   the magic number ``\x93GLIMPSE``
8–11                  length H of the header, unsigned 32 bits, little-endian; 12 + H is a
                      multiple of 64
12 – 12 + H           the header: a JSON object in UTF-8, padded with spaces
from 12 + H           the sections, each at a multiple of 64 bytes from here
====================  =========================================================================

The header holds ``format_version``, ``kind``, and under ``sections`` the offset (from the end of the
header) and length of each section by name, besides what its kind adds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glimpse.index.errors import ObjectDamaged, ObjectUnsupported

MAGIC = b"\x93GLIMPSE"
ALIGNMENT = 64
_PROLOGUE = len(MAGIC) + 4


@dataclass(frozen=True, slots=True)
class Container:
    """A decoded envelope: the header, and the sections as views of the object's bytes."""

    header: Mapping[str, Any]
    sections: Mapping[str, memoryview]


def encode(
    kind: str, format_version: int, fields: Mapping[str, int | str], sections: Mapping[str, bytes]
) -> bytes:
    """Return one object holding `sections`, described by `kind`, `format_version` and further `fields`."""
    placed: dict[str, dict[str, int]] = {}
    body = bytearray()
    for name, data in sections.items():
        body += bytes(-len(body) % ALIGNMENT)
        placed[name] = {"offset": len(body), "length": len(data)}
        body += data
    header = json.dumps(
        {"format_version": format_version, "kind": kind, **fields, "sections": placed},
        separators=(",", ":"),
    ).encode()
    header += b" " * (-(_PROLOGUE + len(header)) % ALIGNMENT)
    return MAGIC + len(header).to_bytes(4, "little") + header + bytes(body)


def decode(data: bytes, kind: str, format_version: int, names: tuple[str, ...]) -> Container:
    """Open an object of a known kind.

    Parameters
    ----------
    data : bytes
        The whole object.
    kind, format_version : str, int
        What the caller can read.
    names : tuple of str
        The sections that it needs.

    Raises
    ------
    ObjectUnsupported
        If the object is of another kind or a later version.
    ObjectDamaged
        If it is no such object, or is truncated.
    """
    header, body = _open(data)
    if header.get("kind") != kind:
        raise ObjectUnsupported(f"its kind is {header.get('kind')!r}, where {kind!r} can be read")
    version = header.get("format_version")
    if type(version) is not int or version < 1:
        raise ObjectDamaged("its header has no format version")
    if version > format_version:
        raise ObjectUnsupported(f"its format version is {version}; this version reads up to {format_version}")
    placed = header.get("sections")
    if not isinstance(placed, dict):
        raise ObjectDamaged("its header names no sections")
    return Container(header, {name: _section(body, name, placed.get(name)) for name in names})


def _open(data: bytes) -> tuple[dict[str, Any], memoryview]:
    if data[: len(MAGIC)] != MAGIC or len(data) < _PROLOGUE:
        raise ObjectDamaged("it does not begin as an index object does")
    end = _PROLOGUE + int.from_bytes(data[len(MAGIC) : _PROLOGUE], "little")
    if end > len(data):
        raise ObjectDamaged("it is truncated inside its header")
    try:
        header = json.loads(data[_PROLOGUE:end])
    except (ValueError, RecursionError) as error:
        raise ObjectDamaged(f"its header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise ObjectDamaged("its header is not a JSON object")
    return header, memoryview(data)[end:]


def _section(body: memoryview, name: str, place: object) -> memoryview:
    if not isinstance(place, dict):
        raise ObjectDamaged(f"it has no section {name!r}")
    offset, length = place.get("offset"), place.get("length")
    if type(offset) is not int or type(length) is not int or offset < 0 or length < 0:
        raise ObjectDamaged(f"its section {name!r} has no usable place")
    if offset + length > len(body):
        raise ObjectDamaged(f"it is truncated inside its section {name!r}")
    return body[offset : offset + length]
