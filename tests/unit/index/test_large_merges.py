"""Merges of more than memory is meant to hold: through files, with the same result."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glimpse.index import Effort, IndexKey, IndexMaintenance, IndexReader, IndexWriter, VectorBatch
from glimpse.index.compaction import merge_buffer
from glimpse.index.compaction.merge_buffer import MergeBuffer
from glimpse.index.errors import NoSpaceLeft
from glimpse.index.format import blobs, segment_kinds
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.index.memory_store import MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of, unit_vectors

QUERY = unit_vectors(1, seed=8, dimension=64)[0]


class Measured(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.lengths: list[int] = []

    def get_range(self, path: str, start: int, length: int) -> bytes | None:
        self.lengths.append(length)
        return super().get_range(path, start, length)


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in (blobs, merge_buffer):
        monkeypatch.setattr(module, "_IN_MEMORY_BYTES", 0)
    opened: list[int] = []
    temporary_file = tempfile.TemporaryFile

    def noted(**how: Any) -> Any:
        file = temporary_file(**how)
        opened.append(file.fileno())
        return file

    monkeypatch.setattr(merge_buffer.tempfile, "TemporaryFile", noted)
    yield
    assert opened


@pytest.fixture
def small_inverted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(segment_kinds, "INVERTED_FROM", 200)
    return


def halves(batch: VectorBatch) -> np.ndarray:
    return batch.vectors.astype(np.float16).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=5),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_gathered_rows_are_what_was_put_in(counts: list[int], is_on_disk: bool, rng: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_buffer, "_IN_MEMORY_BYTES", 0 if is_on_disk else 2**20)
        parts = [batch_of(range(100 * n, 100 * n + count), seed=n) for n, count in enumerate(counts)]
        gathered = MergeBuffer(counts, 16)
        for place in rng.sample(range(len(parts)), len(parts)):
            part, cut = parts[place], rng.randint(0, counts[place])
            pieces = (slice(cut), slice(cut, None))
            gathered.fill(
                place, (VectorBatch(part.image_ids[p], part.vectors[p], part.taken_at[p]) for p in pieces)
            )
    places = np.array(rng.sample(range(sum(counts)), sum(counts)), np.int64)
    rows = gathered.rows(places)
    assert np.array_equal(rows.image_ids, np.concatenate([part.image_ids for part in parts])[places])
    expected = np.concatenate([halves(part) for part in parts])[places]
    assert np.array_equal(rows.take(np.arange(len(rows))), expected)


def test_more_or_fewer_rows_than_were_said_are_refused() -> None:
    for said in (2, 4):
        with pytest.raises(ValueError, match="stated"):
            MergeBuffer([said], 16).fill(0, [batch_of([1, 2, 3])])


def merged(key: IndexKey) -> tuple[MemoryStore, dict[str, object]]:
    """An index of two inverted segments, a flat one and removals, merged into one."""
    store = MemoryStore()
    writer = IndexWriter(store)
    writer.begin(key).commit(batch_of(range(300), seed=1))
    writer.begin(key).commit(batch_of(range(300, 600), seed=2), removed=range(0, 300, 3))
    writer.begin(key).commit(batch_of(range(580, 630), seed=3), removed=[*range(580, 600), 4])
    IndexMaintenance(store).compact(key, whole=True)
    (entry,) = manifest_of(store, key)["segments"]
    return store, entry


@pytest.mark.usefixtures("small_inverted")
def test_a_merge_on_disk_writes_what_one_in_memory_does(
    key: IndexKey, on_disk: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, through_files = merged(key)
    with monkeypatch.context() as patch:
        for module in (blobs, merge_buffer):
            patch.setattr(module, "_IN_MEMORY_BYTES", 2**30)
        _, in_memory = merged(key)
    assert through_files["kind"] == "inverted"
    assert {through_files[name] == in_memory[name] for name in ("sha256", "count", "head_sha256")} == {True}
    report = IndexMaintenance(store).check(key)
    assert report.is_sound
    assert report.batch is not None
    alive = {*range(300)} - {*range(0, 300, 3), 4} | {*range(300, 630)}
    assert set(report.batch.image_ids.tolist()) == alive
    replaced = batch_of(range(580, 630), seed=3).vectors[0]
    newest = IndexReader(store, disk_dir=tmp_path).search([key], replaced, 1)
    assert newest.hits[0].image_id == 580


@pytest.mark.usefixtures("small_inverted")
def test_a_merge_reads_no_lists_and_nothing_twice(key: IndexKey) -> None:
    store = MemoryStore()
    for start in (0, 300):
        IndexWriter(store).begin(key).commit(batch_of(range(start, start + 300), seed=start))
    sizes = {key.object(entry["key"]): entry["bytes"] for entry in manifest_of(store, key)["segments"]}
    read = dict.fromkeys(sizes, 0)

    class Counting(MemoryStore):
        def get(self, path: str) -> object:  # type: ignore[override]
            assert path not in sizes, "a large segment is read by range"
            return store.get(path)

        def get_range(self, path: str, start: int, length: int) -> bytes | None:
            read[path] += length
            return store.get_range(path, start, length)

        def put_if_match(self, path: str, data: bytes, etag: str) -> None:
            store.put_if_match(path, data, etag)

        def put_if_none_match(self, path: str, data: bytes) -> None:
            store.put_if_none_match(path, data)

    IndexMaintenance(Counting()).compact(key, whole=True)
    assert len(manifest_of(store, key)["segments"]) == 1
    assert all(0 < read[path] < size for path, size in sizes.items())


def test_a_large_object_is_a_mapped_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "_IN_MEMORY_BYTES", 0)
    pieces = [bytes([number]) * 1000 for number in range(9)]
    with blobs.collected(pieces) as blob:
        assert not isinstance(blob.data, bytes)
        assert bytes(blob.data) == b"".join(pieces)


@pytest.mark.usefixtures("small_inverted")
def test_lists_are_fetched_up_to_so_many_bytes(key: IndexKey, tmp_path: Path) -> None:
    store = Measured()
    IndexWriter(store).begin(key).commit(batch_of(range(3000), seed=1, dimension=64))

    def read(most: int) -> int:
        effort = Effort(lists=99, candidates=1, list_requests=99, vector_requests=1, list_bytes=most)
        store.lengths.clear()
        IndexReader(store, disk_dir=tmp_path, disk_budget_bytes=0).search([key], QUERY, 10, effort=effort)
        return sum(store.lengths[1:])  # without the head

    assert read(1) < read(40_000) < read(10**9)


@pytest.mark.usefixtures("small_inverted")
def test_a_merge_without_room_says_where_it_is_missing(
    key: IndexKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_buffer, "_IN_MEMORY_BYTES", 0)
    store = MemoryStore()
    for start in (0, 300):
        IndexWriter(store).begin(key).commit(batch_of(range(start, start + 300), seed=start))
    before = manifest_of(store, key)
    monkeypatch.setattr(merge_buffer.os, "pwrite", lambda *_: 0)
    with pytest.raises(NoSpaceLeft, match=tempfile.gettempdir()):
        IndexMaintenance(store).compact(key, whole=True)
    assert manifest_of(store, key) == before


@pytest.mark.usefixtures("small_inverted")
def test_what_is_on_disk_takes_no_vector_s_place(key: IndexKey, tmp_path: Path) -> None:
    """Many small segments make a cold search fetch fewer vectors; once they are on disk they do not."""
    store = Measured()
    attempt = IndexWriter(store, merge_readers=1).begin(key)
    attempt.commit(batch_of(range(3000), seed=1, dimension=256))
    for image_id in range(5000, 5030):
        attempt.commit(batch_of([image_id], seed=image_id, dimension=256))
    query = unit_vectors(1, seed=9, dimension=256)[0]
    effort = Effort(lists=999, candidates=60, list_requests=999, vector_requests=32, list_bytes=320_000)
    reader = IndexReader(store, memory_budget_bytes=0, disk_budget_bytes=10**7, disk_dir=tmp_path)
    reader.search([key], query, 10, effort=effort)
    _head, *cold = store.lengths
    store.lengths.clear()
    reader.search([key], query, 10, effort=effort)
    assert sum(store.lengths) > sum(cold)
