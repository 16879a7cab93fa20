"""Tombstones: ids of images that a commit removed or replaced.

The kind is ``ids``. The header adds ``count``. The only section, ``image_ids``, holds little-endian int64,
strictly ascending.
"""

from collections.abc import Sequence

import numpy as np

from glimpse.index.format import container
from glimpse.index.format.columns import read_ids
from glimpse.index.format.manifest import ObjectEntry
from glimpse.index.vectors import Ids, check_image_ids

KIND = "ids"
FORMAT_VERSION = 1


def can_read(entry: ObjectEntry) -> bool:
    """Tell whether this version can read the entry's tombstone kind and format version."""
    return entry.kind == KIND and entry.format_version <= FORMAT_VERSION


def unique_ids(image_ids: Sequence[int]) -> Ids:
    """Return the distinct image ids, ascending; raise ValueError if one lies outside 0…2^53-1."""
    try:
        ids = np.unique(np.asarray(image_ids, dtype=np.int64))
    except OverflowError as error:
        raise ValueError("an image id must be between 0 and 2^53-1") from error
    check_image_ids(ids)
    return ids


def encode(image_ids: Ids) -> bytes:
    """Return the object that holds (n,) int64 image ids, which must be strictly ascending."""
    return container.encode(
        KIND, FORMAT_VERSION, {"count": len(image_ids)}, {"image_ids": image_ids.astype("<i8").tobytes()}
    )


def decode(data: bytes) -> Ids:
    """Return the (n,) int64 image ids of an object; raise a FormatError if it can't be read."""
    opened = container.decode(data, KIND, FORMAT_VERSION, ("image_ids",))
    return read_ids(opened.sections["image_ids"], opened.header.get("count"))
