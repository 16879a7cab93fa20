"""Lists the images that an index holds."""

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
"""Maximum tries, if a manifest is replaced and its objects are removed while they are read."""


Ids = NDArray[np.int64]

SegmentIdCache = dict[str, Ids]
"""The ids in objects, by key. Objects are immutable, so entries never go stale."""


def image_ids(store: ObjectStore, key: IndexKey, kept: SegmentIdCache | None = None) -> set[int]:
    """Return the ids of an index's images, according to its current manifest.

    Parameters
    ----------
    store, key
        The index.
    kept
        A cache for repeated calls: objects in it are not read again, and others are added to it.

    Raises
    ------
    FormatError
        If part of the index is unusable, since an incomplete list would look complete.
    StoreError
        If the store refuses a request or does not answer.
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
