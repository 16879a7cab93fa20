"""Threads that wait for one index commit together, in the order in which they came."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from glimpse.index import CommitGatherer, EpochChanged, IndexKeeper, IndexKey, IndexWriter

from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of


class Held(MemoryStore):
    """Lets the first swap wait until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.released = threading.Event()

    def put_if_none_match(self, key: str, data: bytes) -> None:
        if key.endswith("manifest.json"):
            self.reached.set()
            assert self.released.wait(60)
        super().put_if_none_match(key, data)


def gather(key: IndexKey, changes: list[tuple[list[int], list[int]]]) -> tuple[Held, list[int]]:
    """Let changes wait behind a first commit, in their order, and return their versions."""
    store, gatherer = Held(), CommitGatherer()
    writer = IndexWriter(store, sleep=lambda _: None)
    versions: list[int] = []
    with ThreadPoolExecutor(len(changes) + 1) as pool:
        first = pool.submit(gatherer.commit, writer.begin(key), batch_of([1000]))
        assert store.reached.wait(60)
        line = gatherer._lines[key]
        later = []
        for place, (added, removed) in enumerate(changes):
            batch = batch_of(added, seed=place) if added else None
            later.append(pool.submit(gatherer.commit, writer.begin(key), batch, removed))
            while len(line.waiting) <= place:
                threading.Event().wait(0.001)
        store.released.set()
        assert first.result().version == 1
        versions = [future.result().version for future in later]
    assert not gatherer._lines
    return store, versions


def test_those_who_wait_share_one_commit(key: IndexKey) -> None:
    store, versions = gather(key, [([n], []) for n in range(10)])
    assert versions == [2] * 10
    assert len(store.manifests) == 2
    report = IndexKeeper(store).check(key)
    assert report.batch is not None
    assert report.batch.image_ids.tolist() == [*range(10), 1000]


def test_what_comes_later_counts(key: IndexKey) -> None:
    store, _ = gather(key, [([1, 2], []), ([], [1]), ([2, 3], [1000]), ([1], [])])
    report = IndexKeeper(store).check(key)
    assert report.batch is not None
    assert report.batch.image_ids.tolist() == [1, 2, 3]


def test_an_error_reaches_whoever_it_concerns(writer: IndexWriter, key: IndexKey) -> None:
    gatherer = CommitGatherer()
    attempt = writer.begin(key)
    writer.delete(key)
    with pytest.raises(EpochChanged):
        gatherer.commit(attempt, batch_of([1]))
    assert gatherer.commit(writer.begin(key), batch_of([1])).version == 2
