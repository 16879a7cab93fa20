"""Exports every vector of an index in batches, for indexes too large for memory.

An export keeps the ids of all images in memory, about twice, but only one batch of vectors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from glimpse.index.errors import ObjectMissing, ObjectUnsupported
from glimpse.index.format import segment_kinds
from glimpse.index.format.manifest import Manifest, ObjectEntry, shortfall
from glimpse.index.format.visibility import visible_ids
from glimpse.index.layout import IndexKey
from glimpse.index.segments import verified_read
from glimpse.index.store.object_store import ObjectStore
from glimpse.index.vectors import Ids, VectorBatch


@dataclass(frozen=True, eq=False)
class _Part:
    """A segment, and the numbers of its visible rows in ascending order."""

    entry: ObjectEntry
    rows: Ids


@dataclass(frozen=True, eq=False)
class IndexExport:
    """A snapshot of an index: every vector that a search can find, according to one manifest.

    Attributes
    ----------
    count : int
        Number of vectors.
    dimension : int or None
        Dimension of the vectors; None if the index never had one.
    """

    count: int
    dimension: int | None
    _store: ObjectStore
    _key: IndexKey
    _parts: tuple[_Part, ...]

    @classmethod
    def begin(cls, store: ObjectStore, key: IndexKey, version: int = 0) -> Self:
        """Take the snapshot: read the manifest, the tombstones and all image ids.

        Parameters
        ----------
        store, key
            The index.
        version
            A version that the index is known to have reached; 0 if unknown.

        Raises
        ------
        FormatError
            If part of the index is unusable, since an incomplete export would look complete.
            ObjectMissing may also mean that a merge replaced the object in the meantime; then begin again.
        StoreError
            If the store refuses a request or does not answer.
        """
        stored = store.get(key.manifest)
        manifest = Manifest.parse(stored.data, key) if stored else None
        if lost := shortfall(manifest, version):
            raise ObjectMissing(f"{key.manifest}: {lost}")
        if manifest is None:
            return cls(0, None, store, key, ())
        masks = [
            (entry.sequence, verified_read.read_tombstones(store, key, entry))
            for entry in manifest.tombstones
        ]
        held = [_image_ids(store, key, entry, manifest.dimension) for entry in manifest.segments]
        numbers = (entry.sequence for entry in manifest.segments)
        kept = np.sort(visible_ids(list(zip(numbers, held, strict=True)), masks)[0])
        lengths = [len(ids) for ids in held]
        ends = np.cumsum(lengths, dtype=np.int64)
        parts = tuple(
            _Part(entry, kept[(kept >= end - length) & (kept < end)] - (end - length))
            for entry, end, length in zip(manifest.segments, ends, lengths, strict=True)
        )
        return cls(len(kept), manifest.dimension, store, key, parts)

    def batches(self) -> Iterator[VectorBatch]:
        """Yield all vectors, thousands at a time, in no particular order; each image occurs once.

        Raises
        ------
        FormatError, StoreError
            For the same reasons as in :meth:`begin`.
        """
        for part in self._parts:
            if not len(part.rows):
                continue
            start = 0
            for piece in verified_read.read_pieces(self._store, self._key, part.entry, self.dimension):
                rows = part.rows[(part.rows >= start) & (part.rows < start + len(piece))] - start
                if len(rows):
                    yield VectorBatch(piece.image_ids[rows], piece.vectors[rows], piece.taken_at[rows])
                start += len(piece)


def _image_ids(store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None) -> Ids:
    if not segment_kinds.can_read(entry):
        raise ObjectUnsupported(f"{entry.key}: {verified_read.later_version(entry)}")
    return verified_read.read_image_ids(store, key, entry, dimension)
