"""A search over 200 folders: how many reads it makes, and that they are made at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from glimpse.index import IndexKey, IndexReader, IndexWriter
from glimpse.index.store.object_store import NOT_MODIFIED, NotModified, StoredObject

from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of, unit_vectors

QUERY = unit_vectors(1, seed=9)[0]
KEYS = [IndexKey("glimpse", "space-1", 1, folder_id) for folder_id in range(200)]
TOGETHER, THREADS = 8, 32


class GatheringStore(MemoryStore):
    """Lets reads through in groups of eight only, so that one after another they would never end."""

    def __init__(self, together: int = TOGETHER) -> None:
        super().__init__()
        self.gathers = False
        self.revalidated: list[str] = []
        self.under_way = 0
        self.most = 0
        self._lock = threading.Lock()
        self._together = threading.Barrier(together, timeout=60)

    def get(self, key: str) -> StoredObject | None:
        with self._counted():
            return super().get(key)

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        stored = self.get(key)
        self.revalidated.append(key)
        return NOT_MODIFIED if stored and stored.etag == etag else stored

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        if self.gathers:
            self._together.wait()
        yield
        with self._lock:
            self.under_way -= 1


def stocked(keys: list[IndexKey] = KEYS, together: int = TOGETHER) -> GatheringStore:
    store = GatheringStore(together)
    for key in keys:
        IndexWriter(store).begin(key).commit(batch_of([key.folder_id]))
    store.requests.clear()
    store.most = 0
    store.gathers = True
    return store


def test_cold_each_object_is_read_once_and_many_at_once() -> None:
    store = stocked()
    reader = IndexReader(store, disk_budget_bytes=0, threads=THREADS)
    assert len(reader.search(KEYS, QUERY, 1000).hits) == len(KEYS)
    reads = [key for kind, key in store.requests if kind == "get"]
    assert len(reads) == len(set(reads)) == 2 * len(KEYS)  # manifests and segments
    assert len(store.requests) == len(reads) + 1  # and one listing, which says which folders exist
    assert TOGETHER <= store.most <= THREADS


def test_warm_with_versions_nothing_is_read() -> None:
    store = stocked()
    reader = IndexReader(store, disk_budget_bytes=0, threads=THREADS)
    reader.warm(KEYS)
    store.requests.clear()
    assert len(reader.search(KEYS, QUERY, 1000, dict.fromkeys(KEYS, 1)).hits) == len(KEYS)
    assert store.requests == []


def test_warm_without_versions_each_manifest_is_revalidated_at_once() -> None:
    store = stocked()
    reader = IndexReader(store, disk_budget_bytes=0, threads=THREADS)
    reader.warm(KEYS)
    store.requests.clear()
    store.most = 0
    assert len(reader.search(KEYS, QUERY, 1000).hits) == len(KEYS)
    manifests = sorted(key.manifest for key in KEYS)
    assert sorted(key for _, key in store.requests) == sorted(store.revalidated) == manifests
    assert TOGETHER <= store.most <= THREADS


def test_cold_many_folders_take_one_round_more_than_one_folder_does() -> None:
    """No manifest is answered before all are asked for, and no segment: two rounds, after the listing's."""
    keys = [IndexKey("glimpse", "space-1", 1, folder_id) for folder_id in range(500)]
    store = stocked(keys, len(keys))
    reader = IndexReader(store, disk_budget_bytes=0, threads=len(keys))
    assert len(reader.search(keys, QUERY, 1000).hits) == len(keys)
    assert [kind for kind, _ in store.requests].count("get") == 2 * len(keys)
    assert len(store.requests) == 2 * len(keys) + 1
    assert store.most == len(keys)
    store.requests.clear()
    assert len(reader.search(keys, QUERY, 1000, dict.fromkeys(keys, 1)).hits) == len(keys)
    assert store.requests == []
