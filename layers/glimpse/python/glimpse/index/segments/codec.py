"""Segments of every kind, written and read whole."""

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
    """Return the format version of a segment of `kind` that holds `rows`, and its bytes, piece by piece."""
    if kind == INVERTED.name:
        return INVERTED.format_version, ivf_build.encode(rows, space_id)
    return FLAT.format_version, iter((flat.encode(rows, space_id),))


def read_batch(data: bytes, space_id: str) -> VectorBatch:
    """Return everything that a segment of any kind holds, as it was stored.

    Raises
    ------
    FormatError
        If it can't be read, or is of another space.
    """
    kind = container.kind_of(data)
    if kind == INVERTED.name:
        return ivf.decode_batch(data, space_id)
    if kind != FLAT.name:
        raise ObjectUnsupported(f"its kind {kind!r} is none of a segment that this version can read")
    opened = FlatSegment.decode(data, space_id)
    try:
        return VectorBatch(opened.image_ids, opened.vectors(), opened.taken_at)
    except ValueError as error:
        raise ObjectDamaged(f"what it holds is no batch of vectors: {error}") from error


def entry_fields(data: Data) -> dict[str, Any]:
    """Return what a manifest says about a segment besides the fields that every object has."""
    return ivf.head_fields(data) if container.kind_of(data) == INVERTED.name else {}
