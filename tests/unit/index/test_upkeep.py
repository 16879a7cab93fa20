"""Merging: what is searchable stays the same."""

import logging

import numpy as np
import pytest
from glimpse.index import IndexKey, IndexMaintenance, IndexReader, IndexWriter, StoreUnavailable
from glimpse.index.compaction.sweep import GRACE_SECONDS
from glimpse.index.errors import AttemptExpired, PreconditionFailed

from tests.unit.index.history import fill, found
from tests.unit.index.memory_store import Fault, FaultyStore, MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of


def test_a_search_finds_the_same_after_compaction(
    writer: IndexWriter, maintenance: IndexMaintenance, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    before = found(reader, key)
    assert before.keys() == {1, 2, 3, 4}
    done = maintenance.compact(key, whole=True)
    assert (done.merges, done.spans, done.is_done) == (1, 1, True)
    assert found(reader, key) == before
    (segment,) = manifest_of(store, key)["segments"]
    assert (segment["count"], segment["sequence"], segment["first"]) == (4, 7, 1)
    assert manifest_of(store, key)["tombstones"] == []
    assert maintenance.compact(key, whole=True).merges == 0


def test_a_version_before_merges_reads_what_they_wrote(
    writer: IndexWriter, maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    maintenance.compact(key, whole=True)
    (segment,) = manifest_of(store, key)["segments"]
    known = {"key", "kind", "format_version", "sequence", "count", "bytes", "sha256"}
    assert segment.keys() - known == {"first", "attempts"}
    assert (segment["kind"], segment["format_version"], manifest_of(store, key)["format_version"]) == (
        "flat",
        1,
        1,
    )


def test_a_merge_of_the_newest_keeps_their_tombstones_for_what_is_older(
    writer: IndexWriter, maintenance: IndexMaintenance, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    writer.begin(key).commit(batch_of(list(range(20_000))))
    attempt = writer.begin(key)
    for image_id in range(40):
        attempt.commit(batch_of([image_id], seed=5), removed=[image_id, image_id + 1000])
    before = found(reader, key)
    assert len(manifest_of(store, key)["segments"]) < 20  # by the writer itself
    maintenance.compact(key)
    assert found(reader, key) == before
    attempt.commit(removed=[7])
    assert 7 not in found(reader, key)
    assert maintenance.check(key).errors == []


def test_a_writer_merges_a_long_tail(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    attempt = writer.begin(key)
    lengths = []
    for image_id in range(200):
        attempt.commit(batch_of([image_id], seed=image_id))
        lengths.append(len(manifest_of(store, key)["segments"]))
    assert max(lengths) <= 50
    assert found(reader, key).keys() == set(range(200))


def test_what_a_merge_of_the_tail_meets_does_not_concern_the_commit(
    store: MemoryStore, key: IndexKey, caplog: pytest.LogCaptureFixture
) -> None:
    class Fussy(MemoryStore):
        def get(self, key: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
            if "/segments/" in key:
                raise StoreUnavailable("503")
            return super().get(key)

    store = Fussy()
    attempt = IndexWriter(store, merge_readers=1, sleep=lambda _: None).begin(key)
    with caplog.at_level(logging.WARNING):
        versions = [attempt.commit(batch_of([image_id])).version for image_id in range(40)]
    assert versions == list(range(1, 41))
    assert "were not merged" in caplog.text


def test_a_commit_waits_little_for_the_merge_of_its_tail(key: IndexKey) -> None:
    class Contended(MemoryStore):
        def put_if_match(self, name: str, data: bytes, etag: str) -> None:
            if b'"first"' in data:
                raise PreconditionFailed("others were faster")
            super().put_if_match(name, data, etag)

    pauses: list[float] = []
    attempt = IndexWriter(Contended(), merge_readers=1, sleep=pauses.append).begin(key)
    for image_id in range(31):
        attempt.commit(batch_of([image_id]))
    assert pauses == []
    assert attempt.commit(batch_of([31])).version == 32
    assert 2 <= len(pauses) <= 3
    assert sum(pauses) < 0.5


def test_commits_go_on_during_a_merge(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)

    interfered = []

    def interfere() -> None:
        writer.begin(key).commit(batch_of([50]), removed=[3])
        interfered.append(request)

    for request in range(14):
        faulty = FaultyStore(store, [], interfere, lambda: 0.0)
        faulty.fail({request: Fault.OTHER_WRITER})
        writer.begin(key).commit(batch_of([3]), removed=[50])
        IndexMaintenance(faulty, readers=1, sleep=lambda _: None).compact(key, whole=True)
        assert found(reader, key).keys() in ({1, 2, 3, 4}, {1, 2, 4, 50})
        assert (50 in found(reader, key)) == (request in interfered)
    assert len(interfered) > 6


def test_of_two_merges_of_the_same_one_gives_up(
    writer: IndexWriter, maintenance: IndexMaintenance, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    before = found(reader, key)
    faulty = FaultyStore(store, [], lambda: maintenance.compact(key, whole=True), lambda: 0.0)
    faulty.fail({3: Fault.OTHER_WRITER})
    done = IndexMaintenance(faulty, readers=1, sleep=lambda _: None).compact(key, whole=True)
    assert (done.merges, done.overtaken) == (0, 1)
    assert found(reader, key) == before


def test_a_deletion_wins_against_a_merge(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    for request in range(12):
        writer.delete(key)
        fill(writer, key)
        faulty = FaultyStore(store, [], lambda: writer.delete(key), lambda: 0.0)
        faulty.fail({request: Fault.OTHER_WRITER})
        IndexMaintenance(faulty, readers=1, sleep=lambda _: None).compact(key, whole=True)
        assert found(reader, key) == {}
        assert manifest_of(store, key)["segments"] == []


def test_a_merge_that_takes_too_long_gives_up(writer: IndexWriter, store: MemoryStore, key: IndexKey) -> None:
    fill(writer, key)
    times = iter(range(0, 100_000, 400))
    maintenance = IndexMaintenance(store, readers=1, clock=lambda: float(next(times)), sleep=lambda _: None)
    before = manifest_of(store, key)
    maintenance.compact(key, whole=True, seconds=0)
    assert manifest_of(store, key) == before
    slow = iter((0.0, 0.0, 0.0, GRACE_SECONDS + 1))
    maintenance = IndexMaintenance(store, readers=1, clock=lambda: next(slow), sleep=lambda _: None)
    with pytest.raises(AttemptExpired):
        maintenance.compact(key, whole=True)
    assert manifest_of(store, key) == before


@pytest.mark.parametrize("ending", [".seg", ".tomb"])
def test_an_object_that_cannot_be_read_is_named_and_the_rest_is_merged(
    writer: IndexWriter, maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey, ending: str
) -> None:
    attempt = writer.begin(key)
    for image_id in range(30):
        attempt.commit(batch_of([image_id], seed=image_id), removed=[100 + image_id])
    names = [entry["key"] for kind in ("segments", "tombstones") for entry in manifest_of(store, key)[kind]]
    spoilt = [name for name in names if name.endswith(ending)][-5]
    store.objects[key.object(spoilt)] = b"rubbish"
    done = maintenance.compact(key, at_rest=True)
    assert done.unusable.keys() == {spoilt}
    assert done.merges
    left = manifest_of(store, key)
    assert spoilt in [entry["key"] for kind in ("segments", "tombstones") for entry in left[kind]]
    assert len(left["segments"]) < 20


def test_a_merge_whose_log_is_damaged_stays_and_the_rest_is_merged(
    writer: IndexWriter, maintenance: IndexMaintenance, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    attempt = writer.begin(key)
    attempt.commit(batch_of([1, 2]), removed=[9])
    attempt.commit(batch_of([3]), removed=[8])
    maintenance.compact(key, whole=True)
    (log,) = [path for path in store.objects if path.endswith(".log")]
    store.objects[log] = b"rubbish"
    for image_id in range(10, 40):
        attempt.commit(batch_of([image_id], seed=image_id))
    before = found(reader, key)
    done = maintenance.compact(key, at_rest=True, whole=True)
    (merged, *_) = manifest_of(store, key)["segments"]
    assert done.unusable.keys() == {merged["key"]}
    assert (done.merges > 0, done.is_done) == (True, True)
    assert found(reader, key) == before


def test_a_writer_recognises_its_commit_in_what_a_merge_wrote(store: MemoryStore, key: IndexKey) -> None:
    """Its answer is lost, and a merge and a deletion come before it reads again."""
    other = IndexWriter(store, merge_readers=1)
    maintenance = IndexMaintenance(store, readers=1)

    def interfere() -> None:
        maintenance.compact(key, whole=True)
        other.begin(key).commit(removed=[1])
        maintenance.compact(key, whole=True)

    other.begin(key).commit(batch_of([8]))
    faulty = FaultyStore(store, [], interfere, lambda: 0.0)
    attempt = IndexWriter(faulty, sleep=lambda _: None).begin(key)
    faulty.fail({2: Fault.LOST, 3: Fault.OTHER_WRITER})
    assert attempt.commit(batch_of([1])).version == 2
    report = maintenance.check(key)
    assert report.batch is not None
    assert report.batch.image_ids.tolist() == [8]


def test_everything_of_a_commit_may_be_gone_and_it_is_recognised_all_the_same(
    store: MemoryStore, key: IndexKey
) -> None:
    other, maintenance = IndexWriter(store, merge_readers=1), IndexMaintenance(store, readers=1)

    def interfere() -> None:
        other.begin(key).commit(removed=[1])
        maintenance.compact(key, at_rest=True)

    faulty = FaultyStore(store, [], interfere, lambda: 0.0)
    attempt = IndexWriter(faulty, sleep=lambda _: None).begin(key)
    faulty.fail({2: Fault.LOST, 3: Fault.OTHER_WRITER})
    assert attempt.commit(batch_of([1])).version == 1
    assert manifest_of(store, key)["segments"] == []
    assert maintenance.check(key).errors == []


def test_logs_forget_what_no_attempt_asks_for_any_more(
    writer: IndexWriter, maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey
) -> None:
    writer.begin(key).commit(batch_of([1]))
    writer.begin(key).commit(removed=[1])
    maintenance.compact(key, at_rest=True)
    (carrier,) = manifest_of(store, key)["tombstones"]
    assert (carrier["count"], carrier["attempts"]) == (0, 2)
    store.now += 3 * GRACE_SECONDS
    writer.begin(key).commit(batch_of([2]))
    maintenance.compact(key, whole=True)
    (segment,) = manifest_of(store, key)["segments"]
    assert (segment["first"], segment["attempts"]) == (1, 1)
    assert manifest_of(store, key)["tombstones"] == []
    assert maintenance.check(key).errors == []


def test_a_merge_loses_no_precision(
    writer: IndexWriter, maintenance: IndexMaintenance, key: IndexKey
) -> None:
    fill(writer, key)
    before = maintenance.check(key).batch
    maintenance.compact(key, whole=True)
    after = maintenance.check(key).batch
    assert before is not None
    assert after is not None
    assert np.array_equal(before.vectors, after.vectors)
    assert np.array_equal(before.image_ids, after.image_ids)
