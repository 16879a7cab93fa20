from glimpse.index import IndexKey, IndexWriter, SegmentIdCache, image_ids

from tests.unit.index.inverted_index import commit_inverted
from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of


def test_the_images_of_an_index_are_those_that_a_search_could_find(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    assert image_ids(store, key) == set()
    attempt = writer.begin(key)
    attempt.commit(batch_of([1, 2, 3]))
    attempt.commit(batch_of([2]), [2, 3])
    assert image_ids(store, key) == {1, 2}


def test_who_asks_again_reads_only_what_is_new(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    kept: SegmentIdCache = {}
    attempt = writer.begin(key)
    attempt.commit(batch_of([1, 2]))
    assert image_ids(store, key, kept) == {1, 2}
    attempt.commit(batch_of([3]), [1])
    store.requests.clear()
    assert image_ids(store, key, kept) == {2, 3}
    objects = [path for _, path in store.requests if path != key.manifest]
    assert len(objects) == len(set(objects)) == 2, "the new segment and the new tombstones"
    store.requests.clear()
    assert image_ids(store, key, kept) == {2, 3}
    assert store.requests == [("get", key.manifest)]


def test_an_inverted_segment_is_listed_too(store: MemoryStore, key: IndexKey) -> None:
    commit_inverted(store, key, batch_of(range(100)))
    assert image_ids(store, key) == set(range(100))
