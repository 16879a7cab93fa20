"""Encodes and decodes whole segments of any kind."""

from collections.abc import Iterator
from typing import Any

from glimpse.index.errors import ObjectDamaged, ObjectUnsupported
from glimpse.index.format import container
from glimpse.index.format.container import Buffer
from glimpse.index.format.segment_kinds import FLAT, INVERTED
from glimpse.index.segments import flat, ivf, ivf_build
from glimpse.index.segments.flat import FlatSegment
from glimpse.index.store.object_store import Data
from glimpse.index.vectors import VectorBatch, VectorRows


def build(kind: str, rows: VectorRows, space_id: str) -> tuple[int, Iterator[Buffer]]:
    """Return the format version of a `kind` segment that holds `rows`, and its bytes in pieces."""
    if kind == INVERTED.name:
        return INVERTED.format_version, ivf_build.encode(rows, space_id)
    return FLAT.format_version, iter((flat.encode(rows, space_id),))


def read_batch(data: bytes, space_id: str) -> VectorBatch:
    """Return every vector of a segment of any kind, as stored.

    Raises
    ------
    FormatError
        If the segment can't be read, or belongs to another space.
    """
    kind = container.kind_of(data)
    if kind == INVERTED.name:
        return ivf.decode_batch(data, space_id)
    if kind != FLAT.name:
        raise ObjectUnsupported(f"its kind {kind!r} is not a segment kind that this version can read")
    opened = FlatSegment.decode(data, space_id)
    try:
        return VectorBatch(opened.image_ids, opened.vectors(), opened.taken_at)
    except ValueError as error:
        raise ObjectDamaged(f"its vectors are invalid: {error}") from error


def entry_fields(data: Data) -> dict[str, Any]:
    """Return the manifest fields of a segment that other objects don't have."""
    return ivf.head_fields(data) if container.kind_of(data) == INVERTED.name else {}
