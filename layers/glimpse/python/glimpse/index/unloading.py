"""Every vector of an index, piece by piece: for an index of which only the ids fit into memory twice."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from glimpse.index import contents, inverted
from glimpse.index.errors import ObjectDamaged, ObjectMissing, ObjectUnsupported
from glimpse.index.layout import IndexKey
from glimpse.index.manifest import Manifest, ObjectEntry
from glimpse.index.merging import surviving_rows
from glimpse.index.objects import head_in
from glimpse.index.ranges import Span
from glimpse.index.segment import Ids, VectorBatch
from glimpse.index.store import ObjectStore

_PIECE = 8192
"""Rows of an inverted segment that are read at once: 8 MB of 512 dimensions."""


@dataclass(frozen=True, eq=False)
class _Part:
    """A segment and which of its rows count, ascending."""

    entry: ObjectEntry
    rows: Ids


@dataclass(frozen=True, eq=False)
class Unloading:
    """What searches of an index can find, as its manifest of one moment says.

    Attributes
    ----------
    count : int
        How many vectors.
    dimension : int or None
        Of the vectors; None for an index that never had one.
    """

    count: int
    dimension: int | None
    _store: ObjectStore
    _key: IndexKey
    _parts: tuple[_Part, ...]

    @classmethod
    def begin(cls, store: ObjectStore, key: IndexKey) -> Self:
        """Read which images there are.

        Raises
        ------
        FormatError
            If a part of the index can't be used: an incomplete copy would be taken for a complete one.
            ObjectMissing may also mean that a merge has replaced it meanwhile; then begin again.
        StoreError
            If the store refuses or does not answer.
        """
        stored = store.get(key.manifest)
        if stored is None:
            return cls(0, None, store, key, ())
        manifest = Manifest.parse(stored.data, key)
        masks = [
            (entry.sequence, contents.read_tombstones(store, key, entry)) for entry in manifest.tombstones
        ]
        ids = [_image_ids(store, key, entry, manifest.dimension) for entry in manifest.segments]
        lengths = [len(each) for each in ids]
        sequences = np.repeat(
            np.array([entry.sequence for entry in manifest.segments], np.int64), np.array(lengths, np.int64)
        )
        kept = surviving_rows(np.concatenate([*ids, np.empty(0, np.int64)]), sequences, masks)
        kept.sort()
        ends = np.cumsum(lengths, dtype=np.int64)
        parts = tuple(
            _Part(entry, kept[(kept >= end - length) & (kept < end)] - (end - length))
            for entry, end, length in zip(manifest.segments, ends, lengths, strict=True)
        )
        return cls(len(kept), manifest.dimension, store, key, parts)

    def batches(self) -> Iterator[VectorBatch]:
        """Yield all vectors, some thousands at a time, each image once and in no order.

        Raises
        ------
        FormatError, StoreError
            As for :meth:`begin`.
        """
        for part in self._parts:
            if not len(part.rows):
                continue
            head = _head(self._store, self._key, part.entry)
            if head is None:
                batch = contents.read_segment(self._store, self._key, part.entry, self.dimension)
                yield _taken(batch, part.rows)
            else:
                yield from self._by_range(part, head)

    def _by_range(self, part: _Part, head: inverted.Head) -> Iterator[VectorBatch]:
        """Yield the vectors of an inverted segment, each checked by itself."""
        path = self._key.object(part.entry.key)
        image_ids, taken_at = _columns(self._store, path, head)
        for start in range(0, head.count, _PIECE):
            end = min(start + _PIECE, head.count)
            rows = part.rows[(part.rows >= start) & (part.rows < end)]
            if len(rows):
                data = _range(self._store, path, head.record_span(start, end))
                vectors = head.read_records(data).astype(np.float32)
                yield _taken(VectorBatch(image_ids[start:end], vectors, taken_at[start:end]), rows - start)


def _taken(batch: VectorBatch, rows: Ids) -> VectorBatch:
    return VectorBatch(batch.image_ids[rows], batch.vectors[rows], batch.taken_at[rows])


def _image_ids(store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None) -> Ids:
    if not contents.can_read_segment(entry):
        raise ObjectUnsupported(f"{entry.key} is of the kind {entry.kind!r}, version {entry.format_version}")
    head = _head(store, key, entry)
    if head is None:
        return contents.read_segment(store, key, entry, dimension).image_ids
    return _columns(store, key.object(entry.key), head)[0]


def _head(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> inverted.Head | None:
    """Return the head of an inverted segment; None for one that has to be read whole."""
    said = head_in(entry) if entry.kind == inverted.KIND else None
    if said is None:
        return None
    length, digest = said
    data = _range(store, key.object(entry.key), Span(0, length))
    if hashlib.sha256(data).hexdigest() != digest:
        raise ObjectDamaged(f"the head of {entry.key} is not what its manifest says")
    head = inverted.Head.decode(bytes(data), entry.bytes, key.space_id)
    if head.count != entry.count:
        raise ObjectDamaged(f"{entry.key} holds {head.count} images, where its manifest says {entry.count}")
    return head


def _columns(store: ObjectStore, path: str, head: inverted.Head) -> tuple[Ids, Ids]:
    return head.read_columns([_range(store, path, span) for span in head.column_spans()])


def _range(store: ObjectStore, path: str, span: Span) -> memoryview:
    data = store.get_range(path, span.start, span.length)
    if data is None:
        raise ObjectMissing(f"{path} does not exist")
    if len(data) != span.length:
        raise ObjectDamaged(f"{path} is truncated")
    return memoryview(data)
