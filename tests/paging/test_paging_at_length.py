"""Paging through large folders while writers and merges go on, and what default searches find in them.

``make test-paging``; ``PAGING_SIZES=25000,100000,300000`` for other sizes than 25,000. Nothing comes twice,
and nothing that was there from the beginning is left out, whatever the vectors, the size of the pages, and
what is at hand.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import pytest
from glimpse.index import Cursor, IndexKey, IndexMaintenance, IndexReader, IndexWriter, VectorBatch

from benchmarks.search.bucket import MemoryBucket
from benchmarks.search.vectors import DISTRIBUTIONS, make_vectors

pytestmark = pytest.mark.slow

SIZES = [int(size) for size in os.environ.get("PAGING_SIZES", "25000").split(",")]
KEY = IndexKey("glimpse", "space-1", 1, 3)
QUESTION = b"a question"
QUERIES, TOP = 100, 10
UNKNOWN_TIME = -(2**63)
_COMMIT = 5_000
_MEMORY, _DISK = 2 * 2**30, 2 * 2**30
_PAGES = 5
_TO_THE_END = 30_000
"""Smaller folders are paged through to their last image; of others a few thousand ranks are."""


@dataclass(frozen=True)
class Folder:
    store: MemoryBucket
    images: np.ndarray
    texts: np.ndarray


@pytest.fixture(scope="module", params=[(name, size) for size in SIZES for name in DISTRIBUTIONS], ids=str)
def folder(request: pytest.FixtureRequest) -> Folder:
    name, size = request.param
    images, texts = make_vectors(size, QUERIES, seed=11, distribution=DISTRIBUTIONS[name])
    store = MemoryBucket()
    for start in range(0, size, _COMMIT):
        part = images[start : start + _COMMIT]
        IndexWriter(store).begin(KEY).commit(batch_of(np.arange(start, start + len(part)), part))
    IndexMaintenance(store).compact(KEY, whole=True)
    return Folder(store, images, texts)


def batch_of(ids: np.ndarray, vectors: np.ndarray) -> VectorBatch:
    return VectorBatch(ids, vectors, np.full(len(ids), UNKNOWN_TIME))


def a_reader(store: MemoryBucket, folder: Path) -> IndexReader:
    return IndexReader(store, memory_budget_bytes=_MEMORY, disk_budget_bytes=_DISK, disk_dir=folder)


def pages(reader: IndexReader, query: np.ndarray, size: int) -> Iterator[list[int]]:
    after: Cursor | None = None
    while True:
        answer = reader.search([KEY], query, size, after=after)
        assert answer.problems == []
        yield [hit.image_id for hit in answer.hits]
        if answer.next is None:
            return
        after = Cursor.decode(answer.next.encode(QUESTION), QUESTION)


def test_default_searches_find_the_nearest(folder: Folder, tmp_path: Path) -> None:
    exact = faiss.IndexFlatIP(folder.images.shape[1])
    exact.add(folder.images)
    truth = exact.search(folder.texts, TOP)[1]
    reader = a_reader(folder.store, tmp_path)
    assert reader.warm([KEY], whole=True) == []
    found = 0
    for text, nearest in zip(folder.texts, truth, strict=True):
        answer = reader.search([KEY], text, TOP)
        assert (answer.approximate, answer.recall) == (None, 0.95)
        found += len({hit.image_id for hit in answer.hits} & set(nearest.tolist()))
    assert found / truth.size >= 0.95


@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
def test_pages_of_any_size_are_parts_of_one_list(folder: Folder, tmp_path: Path, is_warm: bool) -> None:
    warm = a_reader(folder.store, tmp_path / "warm")
    if is_warm:
        assert warm.warm([KEY], whole=True) == []
    for number, text in enumerate(folder.texts[:4] if is_warm else folder.texts[:2]):
        lists = []
        for size in (5, 7, 24, 100):
            reader = warm if is_warm else a_reader(folder.store, tmp_path / f"{number}-{size}")
            shown = []
            for page in pages(reader, text, size):
                shown += page
                if len(shown) >= _PAGES * size and len(shown) >= _PAGES * 24:
                    break
            assert len(shown) == len(set(shown))
            lists.append(shown[: _PAGES * 24])
            if is_warm:
                whole = [hit.image_id for hit in reader.search([KEY], text, 500).hits]
                assert shown == whole[: len(shown)]
        assert all(found == lists[0] for found in lists)


@contextmanager
def going_on(store: MemoryBucket, size: int, dimension: int) -> Iterator[None]:
    """Commit small batches, remove what was committed so, and merge everything now and then."""
    ended = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        rng = np.random.default_rng(3)
        first = 10 * size
        try:
            while not ended.wait(0.02):
                vectors = rng.standard_normal((20, dimension)).astype(np.float32)
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                ids = np.arange(first, first + 20)
                removed = range(first - 20, first - 10) if first > 10 * size else ()
                IndexWriter(store).begin(KEY).commit(batch_of(ids, vectors), removed=removed)
                first += 20
        except BaseException as failure:
            failures.append(failure)

    def merge() -> None:
        whole = True
        try:
            while not ended.wait(0.5):
                IndexMaintenance(store).compact(KEY, whole=whole)
                whole = not whole
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write), threading.Thread(target=merge)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.mark.parametrize("size", [7, 100])
def test_nothing_comes_twice_or_is_left_out_while_writers_and_merges_go_on(
    folder: Folder, tmp_path: Path, size: int
) -> None:
    count = len(folder.images)
    store = MemoryBucket()
    store.objects = dict(folder.store.objects)
    shown: list[int] = []
    with going_on(store, count, folder.images.shape[1]):
        reader = a_reader(store, tmp_path)
        # To the last image it goes in larger pages: each is a search of its own.
        small = 30 * size
        after: Cursor | None = None
        while True:
            answer = reader.search([KEY], folder.texts[0], size if len(shown) < small else 1_000, after=after)
            assert answer.problems == []
            shown += [hit.image_id for hit in answer.hits]
            if answer.next is None or (count > _TO_THE_END and len(shown) > 5_000):
                break
            after = Cursor.decode(answer.next.encode(QUESTION), QUESTION)
    assert len(shown) == len(set(shown))
    if count <= _TO_THE_END:
        assert set(range(count)) <= set(shown)
