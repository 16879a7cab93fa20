"""Which kind of segment holds so many vectors, and how it is written."""

from collections.abc import Callable
from dataclasses import dataclass

from glimpse.index import segment
from glimpse.index.segment import VectorBatch


@dataclass(frozen=True, slots=True)
class _Writer:
    format_version: int
    encode: Callable[[VectorBatch, str], bytes]


_WRITERS = {segment.KIND: _Writer(segment.FORMAT_VERSION, segment.encode)}


def choose_kind(count: int) -> str:  # noqa: ARG001 - flat segments serve any count
    """Return the kind of segment that suits `count` vectors."""
    return segment.KIND


def build(kind: str, batch: VectorBatch, space_id: str) -> tuple[int, bytes]:
    """Return the format version and the bytes of a segment of `kind` that holds `batch`."""
    writer = _WRITERS[kind]
    return writer.format_version, writer.encode(batch, space_id)
