"""Which images an index holds."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glimpse.index.errors import ObjectMissing
from glimpse.index.format.manifest import Manifest, ObjectEntry
from glimpse.index.format.visibility import visible_ids
from glimpse.index.layout import IndexKey
from glimpse.index.segments import verified_read
from glimpse.index.store.object_store import ObjectStore

_ROUNDS = 5
"""How often it is begun anew because a manifest was replaced, and its objects removed, meanwhile."""


Ids = NDArray[np.int64]

SegmentIdCache = dict[str, Ids]
"""The ids that objects hold, by their keys: what was read once never changes."""


def image_ids(store: ObjectStore, key: IndexKey, kept: SegmentIdCache | None = None) -> set[int]:
    """Return the ids of an index's images, as its manifest of this moment says.

    Parameters
    ----------
    store, key
        The index.
    kept
        What an earlier call has read, for one who asks again and again: only objects that are not in it are
        read, and put into it.

    Raises
    ------
    FormatError
        If a part of the index can't be used: an incomplete list would be taken for a complete one.
    StoreError
        If the store refuses or does not answer.
    """
    kept = {} if kept is None else kept
    for _ in range(_ROUNDS - 1):
        try:
            return _image_ids(store, key, kept)
        except ObjectMissing:
            continue
    return _image_ids(store, key, kept)


def _image_ids(store: ObjectStore, key: IndexKey, kept: SegmentIdCache) -> set[int]:
    stored = store.get(key.manifest)
    if stored is None:
        return set()
    manifest = Manifest.parse(stored.data, key)

    def ids_in(entry: ObjectEntry, read: Callable[[], Ids]) -> Ids:
        path = key.object(entry.key)
        if path not in kept:
            kept[path] = read()
        return kept[path]

    masks = [
        (entry.sequence, ids_in(entry, partial(verified_read.read_tombstones, store, key, entry)))
        for entry in manifest.tombstones
    ]
    parts = [
        (
            entry.sequence,
            ids_in(entry, partial(verified_read.read_image_ids, store, key, entry, manifest.dimension)),
        )
        for entry in manifest.segments
    ]
    return set(visible_ids(parts, masks)[1].tolist())
