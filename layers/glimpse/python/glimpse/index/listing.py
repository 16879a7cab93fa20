"""Which images an index holds."""

from glimpse.index import segment, tombstones
from glimpse.index.errors import ObjectMissing, ObjectUnsupported
from glimpse.index.layout import IndexKey
from glimpse.index.manifest import Manifest, ObjectEntry
from glimpse.index.store import ObjectStore

_ROUNDS = 5
"""How often it is begun anew because a manifest was replaced, and its objects removed, meanwhile."""


def image_ids(store: ObjectStore, key: IndexKey) -> set[int]:
    """Return the ids of an index's images, as its manifest of this moment says; reads all its objects.

    Raises
    ------
    FormatError
        If a part of the index can't be used: an incomplete list would be taken for a complete one.
    StoreError
        If the store refuses or does not answer.
    """
    for _ in range(_ROUNDS - 1):
        try:
            return _image_ids(store, key)
        except ObjectMissing:
            continue
    return _image_ids(store, key)


def _image_ids(store: ObjectStore, key: IndexKey) -> set[int]:
    stored = store.get(key.manifest)
    if stored is None:
        return set()
    manifest = Manifest.parse(stored.data, key)
    masks = [(entry.sequence, _tombstones(store, key, entry)) for entry in manifest.tombstones]
    found: set[int] = set()
    for entry in manifest.segments:
        masked = {image_id for sequence, ids in masks if sequence > entry.sequence for image_id in ids}
        found |= _segment(store, key, entry) - masked
    return found


def _segment(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> set[int]:
    if entry.kind != segment.KIND:
        raise ObjectUnsupported(f"{key.object(entry.key)} is a segment of the unknown kind {entry.kind!r}")
    return set(segment.FlatSegment.decode(_data(store, key, entry), key.space_id).image_ids.tolist())


def _tombstones(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> set[int]:
    return set(tombstones.decode(_data(store, key, entry)).tolist())


def _data(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> bytes:
    stored = store.get(key.object(entry.key))
    if stored is None:
        raise ObjectMissing(f"{key.object(entry.key)} does not exist")
    return stored.data
