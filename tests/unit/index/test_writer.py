import random
from collections.abc import Sequence

import pytest
from glimpse.index import (
    AttemptExpired,
    CommitContended,
    EpochChanged,
    IndexKey,
    IndexReader,
    IndexWriter,
    RetryPolicy,
    StoreError,
    StoreUnavailable,
)

from tests.unit.index.memory_store import Fault, FaultyStore, MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of


class Failing(MemoryStore):
    """Does what it is asked, and then says that it did not answer, for the first `times` swaps."""

    def __init__(self, times: int, *, carries_out: bool) -> None:
        super().__init__()
        self.times = times
        self.carries_out = carries_out

    def put_if_none_match(self, key: str, data: bytes) -> None:
        if key.endswith("manifest.json") and self.times:
            self.times -= 1
            if self.carries_out:
                super().put_if_none_match(key, data)
            raise StoreUnavailable("no answer")
        super().put_if_none_match(key, data)


def test_versions_rise_with_every_commit_and_through_deletions(writer: IndexWriter, key: IndexKey) -> None:
    attempt = writer.begin(key)
    assert (attempt.commit(batch_of([1])).version, attempt.commit(batch_of([2])).version) == (1, 2)
    deleted = writer.delete(key)
    assert (deleted.version, deleted.epoch) == (3, 1)
    assert writer.begin(key).commit(batch_of([3])).version == 4


def test_what_an_entry_says_is_what_the_object_is(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    writer.begin(key).commit(batch_of([1, 2]), removed=[7])
    manifest = manifest_of(store, key)
    assert (manifest["format_version"], manifest["kind"]) == (1, "glimpse-index")
    assert (manifest["space_id"], manifest["dimension"]) == ("space-1", 16)
    (segment,), (tombstone,) = manifest["segments"], manifest["tombstones"]
    assert (segment["kind"], segment["count"], segment["sequence"]) == ("flat", 2, 1)
    assert (tombstone["kind"], tombstone["count"], tombstone["sequence"]) == ("ids", 1, 1)
    for entry in (segment, tombstone):
        assert len(store.objects[key.object(entry["key"])]) == entry["bytes"]


def test_a_commit_without_a_change_writes_nothing(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    assert writer.begin(key).commit().version == 0
    writer.begin(key).commit(batch_of([1]))
    before = dict(store.objects)
    assert writer.begin(key).commit(batch_of([]), removed=[]).version == 1
    assert store.objects == before


def test_creating_keeps_what_there_is(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    assert writer.create(key).version == 1
    writer.begin(key).commit(batch_of([1]))
    before = store.objects[key.manifest]
    assert writer.create(key).version == 2
    assert store.objects[key.manifest] == before


def test_a_worker_that_began_before_a_deletion_loses(writer: IndexWriter, key: IndexKey) -> None:
    attempt = writer.begin(key)
    writer.delete(key)
    with pytest.raises(EpochChanged):
        attempt.commit(batch_of([1]))
    with pytest.raises(EpochChanged):
        attempt.commit()


def test_deleting_leaves_the_manifest_and_takes_the_vectors(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    writer.begin(key).commit(batch_of([1]), removed=[2])
    writer.delete(key)
    assert list(store.objects) == [key.manifest]


def test_an_index_is_deleted_even_where_its_objects_cannot_be_removed(
    store: MemoryStore, key: IndexKey
) -> None:
    class Forbidding(MemoryStore):
        def delete(self, keys: Sequence[str]) -> None:  # noqa: ARG002
            raise StoreError("403")

    store = Forbidding()
    writer = IndexWriter(store)
    writer.begin(key).commit(batch_of([1]))
    assert writer.delete(key).epoch == 1
    assert manifest_of(store, key)["segments"] == []


def test_an_attempt_gives_up_when_it_is_older_than_the_grace_period(
    store: MemoryStore, key: IndexKey
) -> None:
    now = 1000.0
    writer = IndexWriter(store, grace_seconds=60, clock=lambda: now)
    attempt = writer.begin(key)
    now += 61
    with pytest.raises(AttemptExpired):
        attempt.commit(batch_of([1]))
    assert store.objects == {}


def test_a_lost_answer_to_the_last_swap_is_recognised(key: IndexKey) -> None:
    store = Failing(1, carries_out=True)
    writer = IndexWriter(store, policy=RetryPolicy(tries=1), sleep=lambda _: None)
    assert writer.begin(key).commit(batch_of([1])).version == 1
    assert len(store.manifests) == 1


def test_a_store_that_keeps_failing_ends_the_attempt(key: IndexKey) -> None:
    store = Failing(1000, carries_out=False)
    pauses: list[float] = []
    policy = RetryPolicy(tries=12, base_seconds=0.1, cap_seconds=1.5)
    writer = IndexWriter(store, policy=policy, sleep=pauses.append, rng=random.Random(7))
    with pytest.raises(CommitContended, match="12 tries"):
        writer.begin(key).commit(batch_of([1]))
    limits = [min(1.5, 0.1 * 2**n) for n in range(12)]
    assert len(pauses) == 12
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    assert len(set(pauses)) == 12


def test_an_object_that_cannot_be_written_ends_the_attempt(key: IndexKey) -> None:
    class Full(MemoryStore):
        def put_if_none_match(self, key: str, data: bytes) -> None:  # noqa: ARG002
            raise StoreUnavailable("503")

    with pytest.raises(CommitContended):
        IndexWriter(Full(), policy=RetryPolicy(tries=3), sleep=lambda _: None).begin(key).commit(
            batch_of([1])
        )


def test_a_refusal_is_not_retried(key: IndexKey) -> None:
    class Closed(MemoryStore):
        def put_if_none_match(self, key: str, data: bytes) -> None:  # noqa: ARG002
            self.requests.append(("put", key))
            raise StoreError("403")

    store = Closed()
    with pytest.raises(StoreError, match="403"):
        IndexWriter(store).create(key)
    assert len([kind for kind, _ in store.requests if kind == "put"]) == 1


def test_vectors_of_another_dimension_are_refused(writer: IndexWriter, key: IndexKey) -> None:
    writer.begin(key).commit(batch_of([1]))
    with pytest.raises(ValueError, match="dimension 16, not 8"):
        writer.begin(key).commit(batch_of([2], dimension=8))


def test_two_deletions_at_once_raise_the_epoch_once(store: MemoryStore, key: IndexKey) -> None:
    other = IndexWriter(store)
    other.begin(key).commit(batch_of([1]))
    faulty = FaultyStore(store, [], lambda: other.delete(key), lambda: 0.0)
    faulty.fail({1: Fault.OTHER_WRITER})
    assert IndexWriter(faulty, sleep=lambda _: None).delete(key).epoch == 1
    assert list(store.objects) == [key.manifest]


def test_a_refused_swap_is_tried_again_on_the_new_manifest(store: MemoryStore, key: IndexKey) -> None:
    other = IndexWriter(store)
    faulty = FaultyStore(store, [], lambda: other.begin(key).commit(batch_of([9])), lambda: 0.0)
    attempt = IndexWriter(faulty, sleep=lambda _: None).begin(key)
    faulty.fail({2: Fault.OTHER_WRITER})  # between reading the manifest and swapping it
    assert attempt.commit(batch_of([1])).version == 2
    assert len(manifest_of(store, key)["segments"]) == 2
