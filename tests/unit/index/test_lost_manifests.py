"""A manifest that is gone, or was replaced by an older one, is no smaller index: images were lost."""

from collections.abc import Callable

import pytest
from glimpse.index import (
    Defect,
    EpochChanged,
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    ObjectMissing,
)
from glimpse.index.store.object_store import Data

from tests.unit.index.memory_store import MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of, unit_vectors

QUERY = unit_vectors(1, seed=9)[0]
Loss = Callable[[MemoryStore, IndexKey], None]
VERSION = 3
"""Of the index whose manifest is lost."""


def lose(store: MemoryStore, key: IndexKey) -> None:
    del store.objects[key.manifest]


def put_back(store: MemoryStore, key: IndexKey) -> None:
    store.objects[key.manifest] = store.manifests[0]


LOSSES = pytest.mark.parametrize(
    ("loss", "left", "reason"),
    [
        (lose, set(), "it is gone, but the index had reached version 3"),
        (put_back, {1, 2}, "it has version 1, but"),
    ],
)


@pytest.fixture(autouse=True)
def _filled(writer: IndexWriter, key: IndexKey) -> None:
    writer.begin(key).commit(batch_of([1, 2]))
    writer.begin(key).commit(batch_of([3]))
    assert writer.begin(key).commit(removed=[2]).version == VERSION


@LOSSES
def test_what_is_left_is_found_and_the_loss_is_said(
    store: MemoryStore, reader: IndexReader, key: IndexKey, loss: Loss, left: set[int], reason: str
) -> None:
    other = IndexKey("glimpse", "space-1", 1, 4)
    versions = {key: VERSION, other: 0}
    assert reader.search([key, other], QUERY, 9, versions).problems == []
    loss(store, key)
    assert reader.search([key, other], QUERY, 9, versions).problems == [], "what is cached is not lost"
    for fresh in (IndexReader(store), IndexReader(store, disk_budget_bytes=0)):
        for _ in range(2):
            answer = fresh.search([key, other], QUERY, 9, versions)
            assert {hit.image_id for hit in answer.hits} == left
            (problem,) = answer.problems
            assert (problem.index, problem.key) == (key, key.manifest)
            assert reason in problem.reason
        assert fresh.warm([key, other], versions) == [problem]
        assert fresh.search([key, other], QUERY, 9).problems == [], "nobody said how new it is"
        assert fresh.search([key, other], QUERY, 9, {key: len(left) // 2}).problems == []


@LOSSES
def test_an_image_that_is_not_in_what_is_left_may_have_been_lost(
    store: MemoryStore, key: IndexKey, loss: Loss, left: set[int], reason: str
) -> None:
    loss(store, key)
    reader = IndexReader(store)
    found = reader.look_up(key, 3, VERSION)
    assert found.vector is None
    assert [problem.key for problem in found.problems] == [key.manifest]
    assert reason in found.problems[0].reason
    assert reader.look_up(key, 3).problems == []
    assert (reader.look_up(key, 1, VERSION).vector is None) == (1 not in left)


def test_a_deletion_loses_nothing(store: MemoryStore, writer: IndexWriter, key: IndexKey) -> None:
    version = writer.delete(key).version
    answer = IndexReader(store).search([key], QUERY, 9, {key: version})
    assert (answer.hits, answer.problems) == ([], [])


def test_where_nobody_knows_how_new_it_was_a_lost_index_is_none(
    store: MemoryStore, maintenance: IndexMaintenance, key: IndexKey
) -> None:
    lose(store, key)
    assert maintenance.check(key).is_sound
    assert (maintenance.repair(key).version, store.objects.get(key.manifest)) == (0, None)


@LOSSES
def test_a_loss_is_an_error_and_mended_by_a_newer_manifest(
    store: MemoryStore,
    writer: IndexWriter,
    maintenance: IndexMaintenance,
    key: IndexKey,
    loss: Loss,
    left: set[int],
    reason: str,
) -> None:
    assert maintenance.check(key, VERSION).is_sound
    late = writer.begin(key)
    loss(store, key)
    (error,) = maintenance.check(key, VERSION).errors
    assert (error.defect, error.key) == (Defect.LOST, key.manifest)
    assert reason in error.reason
    repaired = maintenance.repair(key, VERSION)
    assert (repaired.is_emptied, repaired.needs_embedding, len(repaired.dropped)) == (
        True,
        True,
        len(left) // 2,
    )
    assert repaired.version > VERSION
    assert maintenance.check(key, repaired.version).errors == []
    answer = IndexReader(store).search([key], QUERY, 9, {key: repaired.version})
    assert (answer.hits, answer.problems) == ([], [])
    with pytest.raises(EpochChanged):
        late.commit(batch_of([4]))
    assert writer.begin(key).commit(batch_of([4])).version == repaired.version + 1
    assert maintenance.repair(key, VERSION).mended == []


def test_a_repair_of_a_lost_manifest_loses_no_commit_that_comes_first(
    store: MemoryStore, writer: IndexWriter, maintenance: IndexMaintenance, key: IndexKey
) -> None:
    lose(store, key)
    real = store.put_if_none_match

    def racing(name: str, data: Data) -> None:
        if name == key.manifest and name not in store.objects:
            store.put_if_none_match = real  # type: ignore[method-assign]
            writer.begin(key).commit(batch_of([5]))
        real(name, data)

    store.put_if_none_match = racing  # type: ignore[method-assign]
    repaired = maintenance.repair(key, VERSION)
    # It is of the epoch that was lost, so it goes too, and is named.
    assert len(repaired.dropped) == 1
    assert manifest_of(store, key)["sequence"] == repaired.version


@LOSSES
def test_nothing_is_added_to_an_index_that_is_known_to_be_lost(
    store: MemoryStore,
    writer: IndexWriter,
    maintenance: IndexMaintenance,
    key: IndexKey,
    loss: Loss,
    left: set[int],
    reason: str,
) -> None:
    loss(store, key)
    with pytest.raises(ObjectMissing, match=reason):
        writer.begin(key, VERSION)
    version = maintenance.repair(key, VERSION).version
    assert writer.begin(key, version).commit(batch_of([7])).version == version + 1
    assert writer.begin(IndexKey("glimpse", "space-1", 1, 4), 0).commit(batch_of([7])).version == 1
