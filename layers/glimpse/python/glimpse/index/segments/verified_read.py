"""Reads and verifies the objects of an index, for merges, exports and checks."""

import hashlib
from collections.abc import Iterator

import numpy as np

from glimpse.index.errors import ObjectDamaged, ObjectForeign, ObjectMissing
from glimpse.index.format import tombstones
from glimpse.index.format.manifest import ObjectEntry
from glimpse.index.format.segment_kinds import INVERTED
from glimpse.index.layout import IndexKey
from glimpse.index.segments import codec, ivf
from glimpse.index.store.byte_ranges import ByteRange
from glimpse.index.store.object_store import ObjectStore
from glimpse.index.vectors import Ids, VectorBatch

_PIECE = 8192
"""Rows of an inverted segment to read at once: 8 MB for 512 dimensions."""


def read_segment(store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None) -> VectorBatch:
    """Read a whole segment, verify it, and return its vectors as stored.

    Raises
    ------
    FormatError
        If the object is unusable: missing, damaged, or of another space or dimension.
    StoreError
        If the store refuses the request or does not answer.
    """
    return read_verified(store, key, entry, dimension)[1]


def read_verified(
    store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None
) -> tuple[bytes, VectorBatch]:
    """Return the bytes of a segment and its vectors; otherwise like :func:`read_segment`."""
    data = read_whole(store, key, entry)
    batch = codec.read_batch(data, key.space_id)
    stated = entry.model_extra or {}
    for name, value in codec.entry_fields(data).items():
        if stated.get(name, value) != value:
            raise ObjectDamaged(f"its {name} is {value}, but its manifest says {stated[name]}")
    _check_stated(len(batch), batch.dimension, entry, dimension)
    return data, batch


def read_pieces(
    store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None
) -> Iterator[VectorBatch]:
    """Yield the vectors of a segment in row order; an inverted one's come some thousands at a time.

    Every vector is verified. Parts that hold no vectors, ids or times are not read.

    Raises
    ------
    FormatError, StoreError
        As for :func:`read_segment`.
    """
    head = _head(store, key, entry, dimension)
    if head is None:
        yield read_segment(store, key, entry, dimension)
        return
    image_ids, taken_at = _columns(store, key, entry, head)
    for start in range(0, head.count, _PIECE):
        rows = slice(start, min(start + _PIECE, head.count))
        records = memoryview(read_range(store, key, entry, head.record_span(rows.start, rows.stop)))
        try:
            yield VectorBatch(image_ids[rows], head.read_records(records).astype(np.float32), taken_at[rows])
        except ValueError as error:
            raise ObjectDamaged(f"its vectors are invalid: {error}") from error


def read_image_ids(store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None) -> Ids:
    """Return the image ids of a segment in row order, reading little else of an inverted one.

    Raises
    ------
    FormatError, StoreError
        As for :func:`read_segment`.
    """
    head = _head(store, key, entry, dimension)
    if head is None:
        return read_segment(store, key, entry, dimension).image_ids
    return _columns(store, key, entry, head)[0]


def read_tombstones(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> Ids:
    """Return the image ids of a tombstone object, ascending.

    Raises
    ------
    FormatError, StoreError
        As for :func:`read_segment`.
    """
    ids = tombstones.decode(read_whole(store, key, entry))
    if len(ids) != entry.count:
        raise ObjectDamaged(f"it holds {len(ids)} image ids, but its manifest says {entry.count}")
    return ids


def read_whole(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> bytes:
    """Return all bytes of an object, verified against its manifest entry.

    Raises
    ------
    ObjectMissing, ObjectDamaged
        If it is gone, or does not match its manifest entry.
    StoreError
        If the store refuses the request or does not answer.
    """
    stored = store.get(key.object(entry.key))
    if stored is None:
        raise ObjectMissing("it does not exist")
    if len(stored.data) != entry.bytes:
        raise ObjectDamaged(f"it has {len(stored.data)} bytes, but its manifest says {entry.bytes}")
    if hashlib.sha256(stored.data).hexdigest() != entry.sha256:
        raise ObjectDamaged("its SHA-256 does not match its manifest")
    return stored.data


def read_range(store: ObjectStore, key: IndexKey, entry: ObjectEntry, span: ByteRange) -> bytes:
    """Return a byte range of an object, unverified: the caller must check it.

    Raises
    ------
    ObjectMissing, ObjectDamaged
        If it is gone, or shorter than its manifest says.
    StoreError
        If the store refuses the request or does not answer.
    """
    data = store.get_range(key.object(entry.key), span.start, span.length)
    if data is None:
        raise ObjectMissing("it does not exist")
    if len(data) != span.length:
        raise ObjectDamaged(f"it ends before byte {span.end}, but its manifest says {entry.bytes} bytes")
    return data


def check_head(data: bytes, sha256: str) -> None:
    """Raise ObjectDamaged if the SHA-256 of a segment's head is not `sha256`, which its manifest states."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ObjectDamaged("the SHA-256 of its head does not match its manifest")


def later_version(entry: ObjectEntry) -> str:
    """Return why this version can't read an object, as a clause."""
    return f"its kind {entry.kind!r}, version {entry.format_version}, is newer than this version can read"


def _head(store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None) -> ivf.Head | None:
    """Return the verified head of an inverted segment, or None for a segment that must be read whole."""
    said = ivf.head_in(entry) if entry.kind == INVERTED.name else None
    if said is None:
        return None
    length, digest = said
    data = read_range(store, key, entry, ByteRange(0, length))
    check_head(data, digest)
    head = ivf.Head.decode(data, entry.bytes, key.space_id)
    _check_stated(head.count, head.dimension, entry, dimension)
    return head


def _columns(store: ObjectStore, key: IndexKey, entry: ObjectEntry, head: ivf.Head) -> tuple[Ids, Ids]:
    parts = [memoryview(read_range(store, key, entry, span)) for span in head.column_spans()]
    return head.read_columns(parts)


def _check_stated(count: int, found: int, entry: ObjectEntry, dimension: int | None) -> None:
    if count != entry.count:
        raise ObjectDamaged(f"it holds {count} images, but its manifest says {entry.count}")
    if found != dimension:
        raise ObjectForeign(f"its vectors have dimension {found}, but its manifest says {dimension}")
