from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glimpse.index import IndexKey, IndexReader, IndexWriter, StoreUnavailable
from glimpse.index.store.object_store import StoredObject
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import DIMENSION, batch_of, unit_vectors

QUERY = unit_vectors(1, seed=9)[0]


def folder(folder_id: int, user_id: int = 1) -> IndexKey:
    return IndexKey("glimpse", "space-1", user_id, folder_id)


def kinds(store: MemoryStore) -> list[str]:
    """What was asked of the store since the last look."""
    asked = [kind for kind, _ in store.requests]
    store.requests.clear()
    return asked


@settings(deadline=None, max_examples=30)
@given(
    folders=st.lists(st.lists(st.sets(st.integers(0, 30), max_size=8), max_size=3), min_size=1, max_size=4),
    removed=st.sets(st.integers(0, 30), max_size=8),
    top_k=st.integers(1, 40),
)
def test_a_search_over_folders_is_a_search_over_all_their_vectors(
    folders: list[list[set[int]]], removed: set[int], top_k: int
) -> None:
    store = MemoryStore()
    writer, reader = IndexWriter(store), IndexReader(store, disk_budget_bytes=0)
    best: dict[tuple[int, int], float] = {}
    for folder_id, commits in enumerate(folders):
        for seed, ids in enumerate(commits):
            batch = batch_of(sorted(ids), seed=seed)
            writer.begin(folder(folder_id)).commit(batch)
            for image_id, vector in zip(batch.image_ids.tolist(), batch.vectors, strict=True):
                place = (folder_id, image_id)
                best[place] = max(best.get(place, -1.0), float(vector @ QUERY))
        writer.begin(folder(folder_id)).commit(removed=sorted(removed))
    best = {place: score for place, score in best.items() if place[1] not in removed}
    answer = reader.search([folder(i) for i in range(len(folders))], QUERY, top_k)
    assert answer.problems == []
    scores = [hit.score for hit in answer.hits]
    assert scores == pytest.approx(sorted(best.values(), reverse=True)[:top_k], abs=2e-3)
    assert scores == sorted(scores, reverse=True)
    places = [(hit.folder_id, hit.image_id) for hit in answer.hits]
    assert len(set(places)) == len(places)
    assert [best[place] for place in places] == pytest.approx(scores, abs=2e-3)


def test_an_image_of_two_folders_is_found_in_both(writer: IndexWriter, reader: IndexReader) -> None:
    for folder_id in (1, 2):
        writer.begin(folder(folder_id)).commit(batch_of([7]))
    hits = reader.search([folder(1), folder(2), folder(1)], QUERY, 5).hits
    assert [(hit.folder_id, hit.image_id) for hit in hits] == [(1, 7), (2, 7)]


def test_a_replaced_image_is_found_by_its_new_vector(writer: IndexWriter, reader: IndexReader) -> None:
    old, new = batch_of([7], seed=1), batch_of([7], seed=2)
    writer.begin(folder(3)).commit(old)
    writer.begin(folder(3)).commit(new, removed=[7])
    (hit,) = reader.search([folder(3)], old.vectors[0], 5).hits
    assert hit.score == pytest.approx(float(new.vectors[0] @ old.vectors[0]), abs=2e-3)


def test_a_removed_image_can_come_back(writer: IndexWriter, reader: IndexReader) -> None:
    writer.begin(folder(3)).commit(batch_of([7, 8]))
    writer.begin(folder(3)).commit(removed=[7])
    assert [hit.image_id for hit in reader.search([folder(3)], QUERY, 5).hits] == [8]
    writer.begin(folder(3)).commit(batch_of([7]))
    assert {hit.image_id for hit in reader.search([folder(3)], QUERY, 5).hits} == {7, 8}


def test_without_versions_every_manifest_is_revalidated(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore
) -> None:
    writer.begin(folder(3)).commit(batch_of([1]))
    kinds(store)
    reader.search([folder(3)], QUERY, 5)
    assert kinds(store) == ["get", "get"]  # the manifest, the segment
    reader.search([folder(3)], QUERY, 5)
    assert kinds(store) == ["revalidate"]


def test_a_manifest_as_new_as_the_caller_knows_is_not_asked_for(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore
) -> None:
    for version in (1, 2):
        commit = writer.begin(folder(3)).commit(batch_of([version]))
        kinds(store)
        for _ in range(2):
            answer = reader.search([folder(3)], QUERY, 5, {folder(3): commit.version})
            assert len(answer.hits) == version
    assert kinds(store) == ["revalidate", "get"]  # once, and the one new segment


def test_a_version_says_nothing_about_other_folders(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore
) -> None:
    for folder_id in (1, 2):
        writer.begin(folder(folder_id)).commit(batch_of([folder_id]))
    both = [folder(1), folder(2)]
    reader.search(both, QUERY, 5)
    kinds(store)
    reader.search(both, QUERY, 5, {folder(1): 1})
    assert store.requests == [("revalidate", folder(2).manifest)]


def test_an_index_that_appears_is_found(writer: IndexWriter, reader: IndexReader, store: MemoryStore) -> None:
    assert reader.search([folder(3)], QUERY, 5, {folder(3): 0}).hits == []
    kinds(store)
    assert reader.search([folder(3)], QUERY, 5, {folder(3): 0}).hits == []
    assert kinds(store) == []
    writer.begin(folder(3)).commit(batch_of([1]))
    assert len(reader.search([folder(3)], QUERY, 5, {folder(3): 1}).hits) == 1


def test_a_deleted_index_adds_nothing(writer: IndexWriter, reader: IndexReader) -> None:
    writer.begin(folder(3)).commit(batch_of([1]))
    assert reader.search([folder(3)], QUERY, 5).hits
    writer.delete(folder(3))
    assert reader.search([folder(3)], QUERY, 5).hits == []


def test_thousands_of_folders_that_do_not_exist_cost_one_request(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore
) -> None:
    writer.begin(folder(77)).commit(batch_of([1]))
    kinds(store)
    answer = reader.search([folder(i) for i in range(5000)], QUERY, 5)
    assert [hit.folder_id for hit in answer.hits] == [77]
    assert sorted(kinds(store)) == ["get", "get", "list"]


def test_a_listing_that_is_too_long_is_given_up(writer: IndexWriter, reader: IndexReader) -> None:
    class Long(MemoryStore):
        def children(self, prefix: str, limit: int) -> set[str] | None:
            self.requests.append(("list", prefix))
            return None if limit < 5000 else set()

    store = Long()
    IndexWriter(store).begin(folder(3)).commit(batch_of([1]))
    answer = IndexReader(store, disk_budget_bytes=0).search([folder(i) for i in range(20)], QUERY, 5)
    assert [hit.folder_id for hit in answer.hits] == [3]


def test_a_second_reader_finds_objects_on_disk(
    writer: IndexWriter, store: MemoryStore, tmp_path: Path
) -> None:
    writer.begin(folder(3)).commit(batch_of([1, 2]))
    writer.begin(folder(3)).commit(removed=[1])
    first = IndexReader(store, disk_dir=tmp_path).search([folder(3)], QUERY, 5)
    kinds(store)
    assert IndexReader(store, disk_dir=tmp_path).search([folder(3)], QUERY, 5) == first
    assert kinds(store) == ["get"]  # the manifest


@pytest.mark.parametrize("damage", [b"", b"other", None])
def test_a_file_that_was_damaged_on_disk_is_fetched_again(
    writer: IndexWriter, store: MemoryStore, tmp_path: Path, damage: bytes | None
) -> None:
    writer.begin(folder(3)).commit(batch_of([1]))
    IndexReader(store, disk_dir=tmp_path).search([folder(3)], QUERY, 5)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(good[:-1] + b"x" if damage is None else damage)
    answer = IndexReader(store, disk_dir=tmp_path).search([folder(3)], QUERY, 5)
    assert (len(answer.hits), answer.problems) == (1, [])
    assert file.read_bytes() == good


def test_without_memory_and_disk_a_search_answers_all_the_same(
    writer: IndexWriter, store: MemoryStore, tmp_path: Path
) -> None:
    for image_id in range(60):
        writer.begin(folder(3)).commit(batch_of([image_id], seed=image_id))
    reader = IndexReader(store, memory_budget_bytes=0, disk_budget_bytes=0, disk_dir=tmp_path / "none")
    for _ in range(2):
        assert len(reader.search([folder(3)], QUERY, 100).hits) == 60
    assert not (tmp_path / "none").exists()


def test_a_disk_that_cannot_be_written_costs_no_answer(
    writer: IndexWriter, store: MemoryStore, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    writer.begin(folder(3)).commit(batch_of([1]))
    reader = IndexReader(store, disk_dir=tmp_path / "file")
    assert len(reader.search([folder(3)], QUERY, 5).hits) == 1


def test_a_store_that_does_not_answer_is_no_empty_answer(writer: IndexWriter, store: MemoryStore) -> None:
    class Silent(MemoryStore):
        def get(self, key: str) -> StoredObject | None:
            if key.endswith(".seg"):
                raise StoreUnavailable("503")
            return super().get(key)

    silent = Silent()
    IndexWriter(silent).begin(folder(1)).commit(batch_of([1]))
    with pytest.raises(StoreUnavailable):
        IndexReader(silent, disk_budget_bytes=0).search([folder(1)], QUERY, 5)


def test_an_index_can_be_copied_as_it_is(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore
) -> None:
    writer.begin(folder(1)).commit(batch_of([1, 2]))
    writer.begin(folder(1)).commit(removed=[2])
    copied = {
        key.replace(folder(1).prefix, folder(8, user_id=5).prefix): data
        for key, data in store.objects.items()
    }
    store.objects.update(copied)
    answer = reader.search([folder(8, user_id=5)], QUERY, 5)
    assert [(hit.folder_id, hit.image_id) for hit in answer.hits] == [(8, 1)]


@pytest.mark.parametrize(
    ("vector", "top_k"),
    [(np.full(DIMENSION, np.nan), 5), (np.ones((1, DIMENSION)), 5), (QUERY, 0), (QUERY, -1)],
)
def test_a_question_that_means_nothing_is_refused(reader: IndexReader, vector: Any, top_k: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        reader.search([folder(1)], vector, top_k)


def test_equal_scores_rank_alike_every_time(writer: IndexWriter, reader: IndexReader) -> None:
    batch = batch_of([5, 1])
    batch.vectors[:] = batch.vectors[0]
    for folder_id in (2, 1):
        writer.begin(folder(folder_id)).commit(batch)
    hits = reader.search([folder(2), folder(1)], QUERY, 3).hits
    assert [(hit.folder_id, hit.image_id) for hit in hits] == [(1, 1), (1, 5), (2, 1)]
