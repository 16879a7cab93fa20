from pathlib import Path

import pytest
from glimpse.index import IndexKey, IndexMaintenance, IndexReader, IndexWriter

from tests.unit.index.memory_store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def key() -> IndexKey:
    return IndexKey("glimpse", "space-1", 1, 3)


@pytest.fixture
def writer(store: MemoryStore) -> IndexWriter:
    return IndexWriter(store, merge_readers=1, clock=lambda: store.now, sleep=lambda _: None)


@pytest.fixture
def maintenance(store: MemoryStore) -> IndexMaintenance:
    return IndexMaintenance(store, readers=1, clock=lambda: store.now, sleep=lambda _: None)


@pytest.fixture
def reader(store: MemoryStore, tmp_path: Path) -> IndexReader:
    return IndexReader(store, disk_dir=tmp_path / "cache")
