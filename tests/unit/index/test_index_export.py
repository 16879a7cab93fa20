"""Every vector of an index, piece by piece."""

import numpy as np
import pytest
from glimpse.index import (
    FormatError,
    IndexExport,
    IndexKey,
    IndexMaintenance,
    IndexWriter,
    ObjectDamaged,
    VectorBatch,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.index.inverted_index import commit_inverted
from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of

KEY = IndexKey("glimpse", "space", 1, 1)


def unloaded(store: MemoryStore, key: IndexKey = KEY) -> tuple[IndexExport, VectorBatch]:
    """Everything at once, in the order of the ids."""
    unloading = IndexExport.begin(store, key)
    batches = list(unloading.batches())
    order = np.argsort(np.concatenate([batch.image_ids for batch in batches]))
    whole = VectorBatch(
        np.concatenate([batch.image_ids for batch in batches])[order],
        np.concatenate([batch.vectors for batch in batches])[order],
        np.concatenate([batch.taken_at for batch in batches])[order],
    )
    return unloading, whole


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sets(st.integers(1, 12), max_size=6), st.sets(st.integers(1, 12), max_size=3), st.booleans()
        ),
        max_size=6,
    )
)
def test_it_is_what_the_checker_finds(commits: list[tuple[set[int], set[int], bool]]) -> None:
    store = MemoryStore()
    writer = IndexWriter(store)
    for seed, (added, removed, is_inverted) in enumerate(commits):
        if is_inverted and added:
            commit_inverted(store, KEY, batch_of(sorted(added), seed))
        elif added or removed:
            writer.begin(KEY).commit(batch_of(sorted(added), seed) if added else None, sorted(removed))
    expected = IndexMaintenance(store).check(KEY).batch
    if expected is None or not len(expected):
        assert IndexExport.begin(store, KEY).count == 0
        assert list(IndexExport.begin(store, KEY).batches()) == []
        return
    unloading, whole = unloaded(store)
    assert (unloading.count, unloading.dimension) == (len(expected), expected.dimension)
    np.testing.assert_array_equal(whole.image_ids, expected.image_ids)
    np.testing.assert_array_equal(whole.vectors, expected.vectors)
    np.testing.assert_array_equal(whole.taken_at, expected.taken_at)


@pytest.mark.parametrize("with_head", [True, False])
def test_a_large_segment_comes_in_pieces(with_head: bool) -> None:
    store = MemoryStore()
    batch = batch_of(list(range(1, 18_001)))
    commit_inverted(store, KEY, batch, with_head=with_head)
    IndexWriter(store).begin(KEY).commit(None, list(range(1, 18_001, 2)))
    unloading = IndexExport.begin(store, KEY)
    sizes = [len(piece) for piece in unloading.batches()]
    assert sum(sizes) == unloading.count == 9_000
    assert (max(sizes) <= 8192) is with_head
    _, whole = unloaded(store)
    np.testing.assert_array_equal(whole.image_ids, np.arange(2, 18_001, 2))
    np.testing.assert_array_equal(whole.vectors, batch.vectors[1::2].astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("part", ["head", "vectors", "end"])
def test_what_is_damaged_is_no_copy(part: str) -> None:
    store = MemoryStore()
    name = commit_inverted(store, KEY, batch_of(list(range(1, 500))))
    path = next(path for path in store.objects if path.endswith(name))
    data = bytearray(store.objects[path])
    if part == "end":
        del data[-10:]
    else:
        data[200 if part == "head" else -100] ^= 1
    store.objects[path] = bytes(data)
    with pytest.raises(ObjectDamaged):
        unloaded(store)
    del store.objects[path]
    with pytest.raises(FormatError, match="does not exist"):
        unloaded(store)


def test_an_index_that_does_not_exist_is_empty() -> None:
    unloading = IndexExport.begin(MemoryStore(), KEY)
    assert (unloading.count, unloading.dimension, list(unloading.batches())) == (0, None, [])
