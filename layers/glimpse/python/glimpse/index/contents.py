"""What the objects of an index hold, read whole and verified: for merging and for checking."""

import hashlib

from glimpse.index import kinds, tombstones
from glimpse.index.errors import ObjectDamaged, ObjectForeign, ObjectMissing
from glimpse.index.layout import IndexKey
from glimpse.index.manifest import ObjectEntry
from glimpse.index.segment import Ids, VectorBatch
from glimpse.index.store import ObjectStore


def can_read_segment(entry: ObjectEntry) -> bool:
    """Tell whether this version reads segments of this kind and version."""
    return kinds.can_read(entry.kind, entry.format_version)


def can_read_tombstones(entry: ObjectEntry) -> bool:
    """Tell whether this version reads tombstones of this kind and version."""
    return entry.kind == tombstones.KIND and entry.format_version <= tombstones.FORMAT_VERSION


def read_segment(store: ObjectStore, key: IndexKey, entry: ObjectEntry, dimension: int | None) -> VectorBatch:
    """Return the vectors of a segment, as they were stored.

    Raises
    ------
    FormatError
        If the object can't be used: missing, damaged, or of another space or dimension.
    StoreError
        If the store refuses or does not answer.
    """
    data = _verified(store, key, entry)
    batch = kinds.read_batch(data, key.space_id)
    stated = entry.model_extra or {}
    for name, value in kinds.entry_fields(data).items():
        if stated.get(name, value) != value:
            raise ObjectDamaged(f"its {name} is {value}, where its manifest says {stated[name]}")
    if len(batch) != entry.count:
        raise ObjectDamaged(f"it holds {len(batch)} images, where its manifest says {entry.count}")
    if batch.dimension != dimension:
        raise ObjectForeign(f"its vectors have dimension {batch.dimension}, its manifest says {dimension}")
    return batch


def read_tombstones(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> Ids:
    """Return the image ids of a tombstone object, ascending.

    Raises
    ------
    FormatError, StoreError
        As for :func:`read_segment`.
    """
    ids = tombstones.decode(_verified(store, key, entry))
    if len(ids) != entry.count:
        raise ObjectDamaged(f"it holds {len(ids)} image ids, where its manifest says {entry.count}")
    return ids


def _verified(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> bytes:
    stored = store.get(key.object(entry.key))
    if stored is None:
        raise ObjectMissing("it does not exist")
    if len(stored.data) != entry.bytes:
        raise ObjectDamaged(f"it has {len(stored.data)} bytes, where its manifest says {entry.bytes}")
    if hashlib.sha256(stored.data).hexdigest() != entry.sha256:
        raise ObjectDamaged("its SHA-256 is not the one in its manifest")
    return stored.data
