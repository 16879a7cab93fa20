"""The kinds of segment: which suits how many vectors, and how each is written and read whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from glimpse.index import container, inverted, inverting, segment
from glimpse.index.batches import Rows, VectorBatch
from glimpse.index.container import Buffer
from glimpse.index.errors import ObjectDamaged, ObjectUnsupported
from glimpse.index.segment import FlatSegment
from glimpse.index.store import Data

INVERTED_FROM = 20_000
"""From so many vectors on a cold search reads far less of an inverted segment than the whole of a flat one
weighs, and a warm one is faster."""


@dataclass(frozen=True, slots=True)
class _Kind:
    format_version: int
    encode: Callable[[Rows, str], Iterator[Buffer]]


_KINDS = {
    segment.KIND: _Kind(
        segment.FORMAT_VERSION, lambda rows, space_id: iter((segment.encode(rows, space_id),))
    ),
    inverted.KIND: _Kind(inverted.FORMAT_VERSION, inverting.encode),
}


def choose_kind(count: int) -> str:
    """Return the kind of segment that suits `count` vectors."""
    return inverted.KIND if count >= INVERTED_FROM else segment.KIND


def build(kind: str, rows: Rows, space_id: str) -> tuple[int, Iterator[Buffer]]:
    """Return the format version of a segment of `kind` that holds `rows`, and its bytes, piece by piece."""
    chosen = _KINDS[kind]
    return chosen.format_version, chosen.encode(rows, space_id)


def can_read(kind: str, format_version: int) -> bool:
    """Tell whether this version reads segments of a kind and version."""
    return kind in _KINDS and format_version <= _KINDS[kind].format_version


def read_batch(data: bytes, space_id: str) -> VectorBatch:
    """Return everything that a segment of any kind holds, as it was stored.

    Raises
    ------
    FormatError
        If it can't be read, or is of another space.
    """
    kind = container.kind_of(data)
    if kind == inverted.KIND:
        return inverted.decode_batch(data, space_id)
    if kind != segment.KIND:
        raise ObjectUnsupported(f"its kind {kind!r} is none of a segment that this version can read")
    opened = FlatSegment.decode(data, space_id)
    try:
        return VectorBatch(opened.image_ids, opened.vectors(), opened.taken_at)
    except ValueError as error:
        raise ObjectDamaged(f"what it holds is no batch of vectors: {error}") from error


def entry_fields(data: Data) -> dict[str, Any]:
    """Return what a manifest says about a segment besides the fields that every object has."""
    return inverted.head_fields(data) if container.kind_of(data) == inverted.KIND else {}
