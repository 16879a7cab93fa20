"""Indexes of earlier versions are read, searched, changed, merged, swept, checked and repaired."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.upgrades.current import (
    Filter,
    IndexExport,
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    MemoryStore,
    VectorBatch,
    image_ids,
)
from tests.upgrades.fixtures import WRITERS, archive, document

GRACE = 900.0
RECALL = 0.95


@dataclass
class Bucket:
    """An index bucket as it was written, and what has to be found in it."""

    store: MemoryStore
    expected: Any

    @property
    def keys(self) -> list[IndexKey]:
        return [IndexKey(*index["key"]) for index in self.expected["indexes"]]

    def maintenance(self) -> IndexMaintenance:
        return IndexMaintenance(self.store, clock=lambda: self.store.now, sleep=lambda _: None)

    def answers(self, *, exact: bool = True) -> list[list[list[Any]]]:
        reader = IndexReader(self.store, disk_budget_bytes=0)
        answers = []
        for question in self.expected["questions"]:
            since, until = question["taken_from"], question["taken_until"]
            only = None if since is None else Filter(taken_from=since, taken_until=until)
            keys = [IndexKey(*key) for key in question["keys"]]
            answer = reader.search(keys, question["query"], 12, only=only, exact=exact)
            assert answer.problems == []
            answers.append([[hit.folder_id, hit.image_id, hit.score] for hit in answer.hits])
        return answers

    def assert_answers(self) -> None:
        """See that all questions are answered as a comparison of all vectors did when they were written."""
        for question, hits in zip(self.expected["questions"], self.answers(), strict=True):
            assert [hit[:2] for hit in hits] == [hit[:2] for hit in question["hits"]]
            assert [hit[2] for hit in hits] == pytest.approx([hit[2] for hit in question["hits"]], abs=1e-6)

    def assert_sound(self) -> None:
        for key in self.keys:
            report = self.maintenance().check(key)
            assert report.is_sound, (key, report.findings)


@cache
def _objects(writer: str) -> dict[str, bytes]:
    return archive(writer, "indexes")


@pytest.fixture(params=WRITERS)
def bucket(request: pytest.FixtureRequest) -> Bucket:
    store = MemoryStore()
    store.objects = dict(_objects(request.param))
    return Bucket(store, document(request.param, "indexes"))


def one_of_kind(bucket: Bucket, kinds: list[str]) -> IndexKey:
    found = [IndexKey(*index["key"]) for index in bucket.expected["indexes"] if index["kinds"] == kinds]
    return found[0]


def test_the_fixture_has_what_its_readme_says(bucket: Bucket) -> None:
    indexes = bucket.expected["indexes"]
    names = {name.split("/")[5] for name in bucket.store.objects}
    assert names == {"manifest.json", "segments", "tombstones", "attempts", "marks"}
    assert {kind for index in indexes for kind in index["kinds"]} == {"flat", "inverted"}
    assert {index["epoch"] for index in indexes} == {0, 1, 2}
    assert {index["key"][0] for index in indexes} == {"glimpse", "acme"}
    assert sum(len(question["hits"]) for question in bucket.expected["questions"]) > 100


def test_every_image_is_there(bucket: Bucket) -> None:
    for index in bucket.expected["indexes"]:
        key = IndexKey(*index["key"])
        found = image_ids(bucket.store, key)
        said = index["image_ids"]  # of many, how many there are
        assert said == (sorted(found) if isinstance(said, list) else len(found))
        report = bucket.maintenance().check(key)
        state = (report.manifest.sequence, report.manifest.epoch) if report.manifest else (0, 0)
        assert state == (index["version"], index["epoch"])


def test_questions_are_answered_as_before(bucket: Bucket) -> None:
    bucket.assert_answers()


def test_a_usual_search_finds_what_it_promises(bucket: Bucket) -> None:
    """Without comparing all vectors, as searches do."""
    wanted = [hit[:2] for question in bucket.expected["questions"] for hit in question["hits"]]
    pairs = zip(bucket.expected["questions"], bucket.answers(exact=False), strict=True)
    found = sum(
        len({tuple(hit[:2]) for hit in question["hits"]} & {tuple(hit[:2]) for hit in hits})
        for question, hits in pairs
    )
    assert found >= RECALL * len(wanted)


def test_a_look_up_gives_the_vector_that_a_search_compares(bucket: Bucket) -> None:
    reader = IndexReader(bucket.store, disk_budget_bytes=0)
    for question in bucket.expected["questions"]:
        if len(question["keys"]) > 1:
            continue
        for _, image_id, score in question["hits"][:2]:
            found = reader.look_up(IndexKey(*question["keys"][0]), image_id)
            assert found.vector is not None
            assert float(found.vector @ np.asarray(question["query"], np.float32)) == pytest.approx(
                score, abs=1e-6
            )


def test_indexes_are_sound(bucket: Bucket) -> None:
    bucket.assert_sound()


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_compaction_and_sweeps_change_no_answer(bucket: Bucket, *, whole: bool) -> None:
    bucket.store.now = 1.9e9
    merges = 0
    for key in bucket.keys:
        while (done := bucket.maintenance().compact(key, at_rest=True, whole=whole)).merges:
            merges += done.merges
        assert done.is_done
        assert done.unusable == {}
    assert merges
    bucket.assert_answers()
    for key in bucket.keys:
        swept = bucket.maintenance().sweep(key)
        for _ in range(5):
            bucket.store.now += 3 * GRACE
            swept = bucket.maintenance().sweep(key)
        assert swept.is_clean
        report = bucket.maintenance().check(key)
        named = {key.object(name) for name in report.manifest.names()} if report.manifest else set()
        there = {name for name in bucket.store.objects if name.startswith(key.prefix)} - {key.manifest}
        assert there == named
    bucket.assert_answers()
    bucket.assert_sound()


def test_commits_replace_remove_and_add(bucket: Bucket) -> None:
    for key in bucket.keys:
        before = image_ids(bucket.store, key)
        replaced, removed = sorted(before)[:2] if before else (1, 2)
        vectors = np.eye(2, 8, dtype=np.float32)
        batch = VectorBatch(np.array([replaced, 10**6]), vectors, np.array([0, 0]))
        version = IndexWriter(bucket.store).begin(key).commit(batch, removed=[replaced, removed]).version
        assert image_ids(bucket.store, key) == (before | {replaced, 10**6}) - {removed}
        reader = IndexReader(bucket.store, disk_budget_bytes=0)
        for image_id, vector in zip((replaced, 10**6), vectors, strict=True):
            best = reader.search([key], vector, 1, {key: version}, exact=True).hits[0]
            assert (best.image_id, best.score) == (image_id, pytest.approx(1.0, abs=1e-3))
    bucket.assert_sound()


def test_a_deletion_ends_attempts_that_began_before_it(bucket: Bucket) -> None:
    for key, index in zip(bucket.keys, bucket.expected["indexes"], strict=True):
        deleted = IndexWriter(bucket.store).delete(key)
        assert deleted.epoch == index["epoch"] + 1
        assert image_ids(bucket.store, key) == set()
    bucket.assert_sound()


def vectors_of(bucket: Bucket, key: IndexKey) -> dict[int, tuple[Any, int]]:
    """Return vector and time of each image, as an export reads them."""
    return {
        int(image_id): (vector, int(taken))
        for batch in IndexExport.begin(bucket.store, key).batches()
        for image_id, vector, taken in zip(batch.image_ids, batch.vectors, batch.taken_at, strict=True)
    }


def lose(bucket: Bucket, key: IndexKey, name: str) -> None:
    del bucket.store.objects[key.object(name)]


def cut_short(bucket: Bucket, key: IndexKey, name: str) -> None:
    bucket.store.objects[key.object(name)] = bucket.store.objects[key.object(name)][:-100]


@pytest.mark.parametrize("damage", [lose, cut_short])
@pytest.mark.parametrize("kinds", [["flat"], ["flat", "inverted"]])
def test_what_was_damaged_is_repaired_and_embedded_again(
    bucket: Bucket, kinds: list[str], damage: Callable[[Bucket, IndexKey, str], None]
) -> None:
    key = one_of_kind(bucket, kinds)
    before = vectors_of(bucket, key)
    report = bucket.maintenance().check(key)
    assert report.manifest is not None
    damage(bucket, key, max(report.manifest.segments, key=lambda entry: entry.bytes).key)
    assert not bucket.maintenance().check(key).is_sound
    repaired = bucket.maintenance().repair(key)
    assert repaired.vectors_lost > 0
    assert bucket.maintenance().check(key).is_sound
    lost = sorted(before.keys() - image_ids(bucket.store, key))
    assert lost
    vectors, times = zip(*(before[image_id] for image_id in lost), strict=True)
    again = VectorBatch(np.array(lost), np.stack(vectors), np.array(times))
    IndexWriter(bucket.store).begin(key).commit(again)
    bucket.assert_answers()
    bucket.assert_sound()


def test_an_index_that_lost_its_manifest_is_emptied(bucket: Bucket) -> None:
    key = one_of_kind(bucket, ["flat"])
    version = IndexWriter(bucket.store).create(key).version
    del bucket.store.objects[key.manifest]
    repaired = bucket.maintenance().repair(key, version)
    assert repaired.is_emptied
    assert repaired.version > version
    assert image_ids(bucket.store, key) == set()
