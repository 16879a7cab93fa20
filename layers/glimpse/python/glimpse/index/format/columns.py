"""Integer columns, stored as sections of segments and tombstones."""

import numpy as np

from glimpse.index.errors import ObjectDamaged
from glimpse.index.vectors import Ids
from glimpse.keys import MAX_ID


def read_int64(section: memoryview, count: object) -> Ids:
    """Return a section of `count` little-endian int64; raise ObjectDamaged if its length is different."""
    if type(count) is not int or len(section) != 8 * count:
        raise ObjectDamaged("a section's length does not fit the count in its header")
    return np.frombuffer(section, dtype="<i8").astype(np.int64)


def read_ids(section: memoryview, count: object) -> Ids:
    """Return a section of `count` strictly ascending image ids; raise ObjectDamaged if it isn't that."""
    ids = read_int64(section, count)
    if len(ids) and (ids[0] < 0 or ids[-1] > MAX_ID or np.any(ids[1:] <= ids[:-1])):
        raise ObjectDamaged("its image ids are out of range or not in ascending order")
    return ids
