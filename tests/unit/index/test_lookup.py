"""One image's vector, read from its index; and images that a search leaves out."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from glimpse.index import IndexKey, IndexMaintenance, IndexReader, IndexWriter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.index.inverted_index import commit_inverted
from tests.unit.index.memory_store import MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of, unit_vectors

QUERY = unit_vectors(1, seed=9)[0]


def same(found: npt.NDArray[np.float32] | None, expected: npt.NDArray[np.float32]) -> bool:
    return found is not None and found.shape == expected.shape and float(found @ expected) > 0.999


@settings(deadline=None, max_examples=40)
@given(
    commits=st.lists(
        st.tuples(st.sets(st.integers(0, 6), max_size=4), st.sets(st.integers(0, 6), max_size=3)), max_size=5
    ),
    inverted=st.booleans(),
    merged=st.booleans(),
)
def test_the_latest_vector_that_was_not_removed_is_found(
    commits: list[tuple[set[int], set[int]]], inverted: bool, merged: bool
) -> None:
    store, key = MemoryStore(), IndexKey("glimpse", "space-1", 1, 3)
    present: dict[int, npt.NDArray[np.float32]] = {}
    for seed, (added, removed) in enumerate(commits):
        batch = batch_of(sorted(added), seed=seed)
        IndexWriter(store).begin(key).commit(removed=sorted(removed))
        present = {image_id: vector for image_id, vector in present.items() if image_id not in removed}
        if inverted and added:
            commit_inverted(store, key, batch)
        else:
            IndexWriter(store).begin(key).commit(batch)
        present |= dict(zip(batch.image_ids.tolist(), batch.vectors, strict=True))
    if merged:
        IndexMaintenance(store, readers=1).compact(key, whole=True)
    reader = IndexReader(store, disk_budget_bytes=0)
    for image_id in range(8):
        found = reader.look_up(key, image_id)
        assert not found.problems
        if image_id in present:
            assert same(found.vector, present[image_id])
        else:
            assert found.vector is None


def test_of_an_inverted_segment_little_is_read(store: MemoryStore, key: IndexKey, tmp_path: Path) -> None:
    batch = batch_of(range(2000))
    name = commit_inverted(store, key, batch)
    reader = IndexReader(store, disk_dir=tmp_path)
    reader.warm([key])
    store.requests.clear()
    assert same(reader.look_up(key, 77, version=1).vector, batch.vectors[77])
    assert store.requests == [("range", name)] * 2  # the columns, the vector
    store.requests.clear()
    assert same(reader.look_up(key, 77, version=1).vector, batch.vectors[77])
    assert store.requests == []


def test_an_image_of_a_results_list_costs_no_look_at_the_ids(
    store: MemoryStore, key: IndexKey, tmp_path: Path
) -> None:
    commit_inverted(store, key, batch_of(range(2000)))
    reader = IndexReader(store, disk_dir=tmp_path)
    (hit,) = reader.search([key], QUERY, 1).hits
    store.requests.clear()
    assert reader.look_up(key, hit.image_id, version=1).vector is not None
    assert store.requests == []


def test_image_0_is_told_from_rows_that_are_not_there(
    store: MemoryStore, key: IndexKey, tmp_path: Path
) -> None:
    batch = batch_of(range(2000))
    commit_inverted(store, key, batch)
    assert same(IndexReader(store, disk_dir=tmp_path).look_up(key, 0).vector, batch.vectors[0])


def test_where_there_is_no_index_there_is_no_image(reader: IndexReader, key: IndexKey) -> None:
    found = reader.look_up(key, 1)
    assert (found.vector, found.problems) == (None, [])


def test_a_damaged_segment_is_named_and_others_are_looked_through(
    store: MemoryStore, writer: IndexWriter, reader: IndexReader, key: IndexKey
) -> None:
    writer.begin(key).commit(batch_of([1]))
    damaged = key.object(str(manifest_of(store, key)["segments"][0]["key"]))
    store.objects[damaged] = b"damaged"
    batch = batch_of([2], seed=2)
    writer.begin(key).commit(batch)
    found = reader.look_up(key, 2)
    assert same(found.vector, batch.vectors[0])
    lost = reader.look_up(key, 1)
    assert lost.vector is None
    assert [problem.key for problem in lost.problems] == [damaged]


def test_behind_a_damaged_tombstone_nothing_is_found(
    store: MemoryStore, writer: IndexWriter, reader: IndexReader, key: IndexKey
) -> None:
    """It may say that the image was removed."""
    writer.begin(key).commit(batch_of([1]))
    writer.begin(key).commit(removed=[5])
    store.objects[key.object(str(manifest_of(store, key)["tombstones"][0]["key"]))] = b"damaged"
    found = reader.look_up(key, 1)
    assert found.vector is None
    assert found.problems


def test_what_a_sweep_took_is_looked_for_in_its_successor(
    store: MemoryStore, writer: IndexWriter, key: IndexKey
) -> None:
    first = batch_of([1], seed=1)
    writer.begin(key).commit(first)
    version = writer.begin(key).commit(batch_of([2], seed=2)).version
    reader = IndexReader(store, memory_budget_bytes=0, disk_budget_bytes=0)
    assert reader.look_up(key, 9).vector is None  # knows the manifest now, and keeps no object
    old = [key.object(str(entry["key"])) for entry in manifest_of(store, key)["segments"]]
    IndexMaintenance(store, readers=1).compact(key, whole=True)
    store.delete(old)
    found = reader.look_up(key, 1, version)
    assert same(found.vector, first.vectors[0])
    assert found.problems == []


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("exact", [False, True])
def test_excluded_images_are_left_out_of_their_index_alone(
    store: MemoryStore, reader: IndexReader, *, inverted: bool, exact: bool
) -> None:
    keys = [IndexKey("glimpse", "space-1", 1, folder_id) for folder_id in (1, 2)]
    for key in keys:
        if inverted:
            commit_inverted(store, key, batch_of(range(300)))
        else:
            IndexWriter(store).begin(key).commit(batch_of(range(300)))
    best = [hit.image_id for hit in reader.search([keys[0]], QUERY, 3, exact=True).hits]
    gone = {keys[0]: np.array([best[0], best[1], 999], np.int64)}
    found = [
        (hit.folder_id, hit.image_id)
        for hit in reader.search(keys, QUERY, 4, exact=exact, excluded=gone).hits
    ]
    assert found == [(2, best[0]), (2, best[1]), (1, best[2]), (2, best[2])]
