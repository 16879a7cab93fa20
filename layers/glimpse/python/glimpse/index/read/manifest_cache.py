"""Caches manifests with their ETags, and revalidates them only when that can matter."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import groupby

from glimpse.index.errors import FormatError
from glimpse.index.format.manifest import Manifest, shortfall
from glimpse.index.layout import IndexKey
from glimpse.index.store.cache import MemoryCache
from glimpse.index.store.object_store import NOT_MODIFIED, ObjectStore

_LIST_FROM = 8
"""Try a listing from this many unknown folders of one owner on; it may take one page per this many reads."""

_LIST_PAGE = 1000
_WEIGHT_OF_NOTHING = 500
_WEIGHT_PER_BYTE = 4
"""A parsed manifest takes about four times the memory of its JSON."""


@dataclass(frozen=True, slots=True)
class CachedManifest:
    """What is known about an index: its manifest, that it has none, or why the manifest is unusable."""

    manifest: Manifest | None
    etag: str | None = None
    problem: FormatError | None = None

    def is_at_least(self, version: int) -> bool:
        """Tell whether this shows the index at `version` or later."""
        if self.problem:
            return False
        return (self.manifest.sequence if self.manifest else 0) >= version

    def shortfall(self, version: int | None) -> str | None:
        """Return why this is older than `version`, as a clause; None if it is not, or that is unknown."""
        return None if version is None or self.problem else shortfall(self.manifest, version)


_ABSENT = CachedManifest(None)


class ManifestCache:
    """Caches the manifests in one bucket.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    pool : Executor
        Runs the reads.
    budget_bytes : int
        Memory budget for manifests.
    """

    def __init__(self, store: ObjectStore, pool: Executor, budget_bytes: int) -> None:
        self._store = store
        self._pool = pool
        self._cache: MemoryCache[IndexKey, CachedManifest] = MemoryCache(budget_bytes)

    def current(
        self, keys: Iterable[IndexKey], versions: Mapping[IndexKey, int]
    ) -> dict[IndexKey, CachedManifest]:
        """Return the manifest of each index, at its version in `versions` or later.

        A manifest is read again if the cached one is older than that, or no version is given.

        Raises
        ------
        StoreError
            If the store refuses a request or does not answer.
        """
        answer: dict[IndexKey, CachedManifest] = {}
        stale: list[tuple[IndexKey, CachedManifest | None]] = []
        for key in keys:
            cached = self._cache.get(key)
            version = versions.get(key)
            if cached is not None and version is not None and cached.is_at_least(version):
                answer[key] = cached
            else:
                stale.append((key, cached))
        unknown = [key for key, cached in stale if cached is None or cached.etag is None]
        absent = self._absent(unknown)
        for key in absent:
            answer[key] = self._keep(key, _ABSENT, 0)
        present = [(key, cached) for key, cached in stale if key not in absent]
        answer.update(zip((key for key, _ in present), self._pool.map(self._read, present), strict=True))
        return answer

    def _read(self, stale: tuple[IndexKey, CachedManifest | None]) -> CachedManifest:
        key, cached = stale
        if cached is None or cached.etag is None:
            stored = self._store.get(key.manifest)
        else:
            answer = self._store.get_if_none_match(key.manifest, cached.etag)
            if answer is NOT_MODIFIED:
                return cached
            stored = answer
        if stored is None:
            return self._keep(key, _ABSENT, 0)
        try:
            known = CachedManifest(Manifest.parse(stored.data, key), stored.etag)
        except FormatError as problem:
            known = CachedManifest(None, stored.etag, problem)
        return self._keep(key, known, len(stored.data))

    def _keep(self, key: IndexKey, known: CachedManifest, size: int) -> CachedManifest:
        self._cache.put(key, known, _WEIGHT_OF_NOTHING + _WEIGHT_PER_BYTE * size)
        return known

    def _absent(self, keys: list[IndexKey]) -> set[IndexKey]:
        """Return those of `keys` that certainly have no manifest, by listing their owners' indexes.

        One page of a listing covers a thousand folders, so a request for thousands of folders that don't
        exist is answered quickly. A listing is given up if it would take more pages than an eighth of the
        reads.
        """
        groups = [group for group in _by_owner(keys) if len(group) >= _LIST_FROM]
        absent: set[IndexKey] = set()
        for group, names in zip(groups, self._pool.map(self._list, groups), strict=True):
            if names is not None:
                absent.update(key for key in group if str(key.folder_id) not in names)
        return absent

    def _list(self, group: list[IndexKey]) -> set[str] | None:
        return self._store.children(group[0].owner_prefix, _LIST_PAGE * (len(group) // _LIST_FROM))


def _by_owner(keys: list[IndexKey]) -> Iterator[list[IndexKey]]:
    for _, group in groupby(sorted(keys, key=lambda key: key.owner_prefix), lambda key: key.owner_prefix):
        yield list(group)
