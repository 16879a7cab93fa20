"""Manifests as a reader holds them: cached with their tags, read again only where that can matter."""

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
"""From how many unknown folders of one owner on a listing is tried; it may cost this share of the reads."""

_LIST_PAGE = 1000
_WEIGHT_OF_NOTHING = 500
_WEIGHT_PER_BYTE = 4
"""A parsed manifest takes about four times the memory of its JSON."""


@dataclass(frozen=True, slots=True)
class CachedManifest:
    """What is known of an index: a manifest, that there is none, or why it can't be used."""

    manifest: Manifest | None
    etag: str | None = None
    problem: FormatError | None = None

    def is_at_least(self, version: int) -> bool:
        """Tell whether this shows the index at `version` or later."""
        if self.problem:
            return False
        return (self.manifest.sequence if self.manifest else 0) >= version

    def shortfall(self, version: int | None) -> str | None:
        """Say that this is older than the index was at `version`; None where it is not, or can't be told."""
        return None if version is None or self.problem else shortfall(self.manifest, version)


_ABSENT = CachedManifest(None)


class ManifestCache:
    """Manifests of one bucket.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    pool : Executor
        Runs the reads.
    budget_bytes : int
        Memory for manifests.
    """

    def __init__(self, store: ObjectStore, pool: Executor, budget_bytes: int) -> None:
        self._store = store
        self._pool = pool
        self._cache: MemoryCache[IndexKey, CachedManifest] = MemoryCache(budget_bytes)

    def current(
        self, keys: Iterable[IndexKey], versions: Mapping[IndexKey, int]
    ) -> dict[IndexKey, CachedManifest]:
        """Return what is known of each index, at its version in `versions` or later.

        Where the cache is older than that, or no version is given, the manifest is read again.

        Raises
        ------
        StoreError
            If the store refuses or does not answer.
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
        """Return which of `keys` surely have no manifest, by listing their owners' indexes.

        One page of a listing answers for a thousand folders, so a caller who names thousands that do not
        exist is answered at once. A listing that would take more pages than an eighth of the reads is given
        up.
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
