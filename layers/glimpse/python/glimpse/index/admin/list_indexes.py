"""Lists the indexes in a bucket."""

from collections.abc import Iterator

from glimpse.index.layout import IndexKey
from glimpse.index.store.object_store import ObjectStore
from glimpse.keys import INDEXES_PREFIX

_MANY = 10_000_000


def list_indexes(store: ObjectStore, *, space_id: str | None = None, after: str = "") -> Iterator[IndexKey]:
    """Yield the indexes in a bucket, including deleted ones, in a stable order.

    Prefixes that don't belong to an index are skipped.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    space_id : str, optional
        Only yield indexes of this space.
    after : str
        Begin after the index with this prefix.

    Raises
    ------
    StoreError
        If the store refuses or does not answer.
    """
    for namespace in _child_prefixes(store, INDEXES_PREFIX, after):
        for space in _child_prefixes(store, namespace, after):
            if space_id is not None and space != f"{namespace}{space_id}/":
                continue
            for owner in _child_prefixes(store, space, after):
                for folder in _child_prefixes(store, owner, after):
                    key = _key_of(folder)
                    if key is not None and folder > after:
                        yield key


def _child_prefixes(store: ObjectStore, prefix: str, after: str) -> list[str]:
    """Return the child prefixes of a prefix, in order, without those that lie entirely before `after`."""
    names = store.children(prefix, _MANY) or set()
    below = sorted(f"{prefix}{name}/" for name in names)
    return [name for name in below if name >= after or after.startswith(name)]


def _key_of(prefix: str) -> IndexKey | None:
    """Return the key of the index with this prefix, or None if it is not an index's prefix."""
    namespace, space_id, owner, folder = prefix.removeprefix(INDEXES_PREFIX).rstrip("/").split("/")
    try:
        key = IndexKey(namespace, space_id, int(owner), int(folder))
    except ValueError:
        return None
    return key if key.prefix == prefix else None
