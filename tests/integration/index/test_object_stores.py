"""What the index needs of an object store, of each one; other tests take the one in memory for them."""

import mmap
import time
from pathlib import Path

import pytest
from glimpse.index import LocalFolderStore, ObjectStore
from glimpse.index.errors import PreconditionFailed
from glimpse.index.format import blobs
from glimpse.index.store.object_store import NOT_MODIFIED, StoredObject

from tests.unit.index.memory_store import MemoryStore


@pytest.fixture(params=["S3", "local folder", "memory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "S3":
        on_s3: ObjectStore = request.getfixturevalue("store")
        return on_s3
    return MemoryStore() if request.param == "memory" else LocalFolderStore(tmp_path / "store")


def read(store: ObjectStore, key: str) -> StoredObject:
    stored = store.get(key)
    assert stored is not None
    return stored


def test_what_was_put_is_read_until_it_is_deleted(any_store: ObjectStore) -> None:
    assert any_store.get("a") is None
    any_store.put_if_none_match("a", b"1")
    assert read(any_store, "a").data == b"1"
    any_store.delete(["a", "never-there"])
    assert any_store.get("a") is None


def test_conditions_are_kept(any_store: ObjectStore) -> None:
    any_store.put_if_none_match("a", b"1")
    with pytest.raises(PreconditionFailed):
        any_store.put_if_none_match("a", b"2")
    tag = read(any_store, "a").etag
    any_store.put_if_match("a", b"3", tag)
    with pytest.raises(PreconditionFailed):
        any_store.put_if_match("a", b"4", tag)
    with pytest.raises(PreconditionFailed):
        any_store.put_if_match("missing", b"4", tag)
    assert read(any_store, "a").data == b"3"


def test_an_unchanged_object_is_not_sent_again(any_store: ObjectStore) -> None:
    any_store.put_if_none_match("a", b"1")
    tag = read(any_store, "a").etag
    assert any_store.get_if_none_match("a", tag) is NOT_MODIFIED
    any_store.put_if_match("a", b"2", tag)
    changed = any_store.get_if_none_match("a", tag)
    assert isinstance(changed, StoredObject)
    assert (changed.data, changed.etag != tag) == (b"2", True)
    assert any_store.get_if_none_match("missing", tag) is None


def test_a_part_of_an_object_is_read_alone(any_store: ObjectStore) -> None:
    any_store.put_if_none_match("a", b"0123456789")
    assert any_store.get_range("a", 2, 3) == b"234"
    assert any_store.get_range("a", 8, 5) == b"89"
    assert any_store.get_range("a", 10, 1) == b""
    assert any_store.get_range("missing", 0, 1) is None


def test_a_listing_has_keys_in_order_with_sizes_and_times(any_store: ObjectStore) -> None:
    began = time.time()
    if isinstance(any_store, MemoryStore):
        any_store.now = began
    for key in ("a/b.1", "a/b/1", "a/b-1", "ab/1", "a/c/d/1", "b"):
        any_store.put_if_none_match(key, b"12")
    listed = list(any_store.list("a/"))
    assert [item.key for item in listed] == ["a/b-1", "a/b.1", "a/b/1", "a/c/d/1"]
    assert {item.bytes for item in listed} == {2}
    assert all(began - 2 <= item.modified <= time.time() + 2 for item in listed)
    assert [item.key for item in any_store.list("a/b")] == ["a/b-1", "a/b.1", "a/b/1"]
    assert [item.key for item in any_store.list("")] == ["a/b-1", "a/b.1", "a/b/1", "a/c/d/1", "ab/1", "b"]
    assert list(any_store.list("c/")) == []


def test_names_below_a_prefix_go_with_their_last_object(any_store: ObjectStore) -> None:
    for key in ("a/1/x", "a/1/y/z", "a/12/x", "b/2/x"):
        any_store.put_if_none_match(key, b"")
    assert any_store.children("a/", 2) == {"1", "12"}
    assert any_store.children("a/", 1) is None
    assert any_store.children("c/", 1) == set()
    any_store.delete(["a/1/x", "a/12/x"])
    assert any_store.children("a/", 2) == {"1"}
    any_store.delete(["a/1/y/z"])
    assert any_store.children("a/", 2) == any_store.children("a/1/", 2) == set()
    assert [item.key for item in any_store.list("")] == ["b/2/x"]


def test_a_mapped_file_is_written_as_it_is_and_under_the_same_condition(
    any_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "_IN_MEMORY_BYTES", 0)
    pieces = [bytes([number]) * 100_000 for number in range(30)]
    with blobs.collected(pieces) as blob:
        assert isinstance(blob.data, mmap.mmap)
        any_store.put_if_none_match("indexes/large", blob.data)
        with pytest.raises(PreconditionFailed):
            any_store.put_if_none_match("indexes/large", blob.data)
    assert read(any_store, "indexes/large").data == b"".join(pieces)
