"""Objects that can't be used are named, and the rest answers."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from glimpse.index import IndexKey, IndexReader, IndexWriter

from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of, unit_vectors

QUERY = unit_vectors(1, seed=9)[0]


def folder(folder_id: int, user_id: int = 1) -> IndexKey:
    return IndexKey("glimpse", "space-1", user_id, folder_id)


def only(store: MemoryStore, ending: str) -> str:
    (key,) = [key for key in store.objects if key.endswith(ending)]
    return key


def edit_entry(store: MemoryStore, index: IndexKey, which: str, **fields: object) -> None:
    manifest = json.loads(store.objects[index.manifest])
    manifest[which][0] |= fields
    store.objects[index.manifest] = json.dumps(manifest).encode()


Damage = Callable[[MemoryStore, IndexKey], None]


def truncate(store: MemoryStore, key: IndexKey) -> None:
    name = only(store, "segments/" + _segment_name(store, key))
    store.objects[name] = store.objects[name][:-5]


def flip(store: MemoryStore, key: IndexKey) -> None:
    name = only(store, "segments/" + _segment_name(store, key))
    store.objects[name] = store.objects[name][:-1] + b"\x7f"


def lose(store: MemoryStore, key: IndexKey) -> None:
    del store.objects[only(store, "segments/" + _segment_name(store, key))]


def replace_honestly(store: MemoryStore, key: IndexKey) -> None:
    """Something else than a segment, of which the manifest knows the digest."""
    data = b"a text file"
    store.objects[only(store, "segments/" + _segment_name(store, key))] = data
    digest = hashlib.sha256(data).hexdigest()
    edit_entry(store, key, "segments", bytes=len(data), sha256=digest)


def miscount(store: MemoryStore, key: IndexKey) -> None:
    edit_entry(store, key, "segments", count=99)


def from_the_future(store: MemoryStore, key: IndexKey) -> None:
    edit_entry(store, key, "segments", format_version=2)


def of_another_kind(store: MemoryStore, key: IndexKey) -> None:
    edit_entry(store, key, "segments", kind="ivf", nprobe=64)


def _segment_name(store: MemoryStore, key: IndexKey) -> str:
    entry: dict[str, Any] = json.loads(store.objects[key.manifest])["segments"][0]
    return str(entry["key"]).removeprefix("segments/")


@pytest.mark.parametrize(
    "damage", [truncate, flip, lose, replace_honestly, miscount, from_the_future, of_another_kind]
)
def test_a_segment_that_cannot_be_used_is_named_and_the_rest_answers(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore, damage: Damage
) -> None:
    for folder_id in (1, 2):
        writer.begin(folder(folder_id)).commit(batch_of([folder_id]))
    writer.begin(folder(1)).commit(batch_of([11]))
    spoilt = folder(1).object("segments/" + _segment_name(store, folder(1)))
    damage(store, folder(1))
    answer = reader.search([folder(1), folder(2)], QUERY, 5)
    assert {hit.image_id for hit in answer.hits} == {2, 11}
    (problem,) = answer.problems
    assert (problem.index, problem.key) == (folder(1), spoilt)
    assert spoilt in str(problem)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"not JSON",
        b'{"kind": "glimpse-index", "format_version": 2, "anything": "else"}',
        b'{"kind": "glimpse-index", "format_version": 1, "epoch": 0, "sequence": 1, "attempt": "a", '
        b'"space_id": "space-2"}',
        b'{"kind": "glimpse-index", "format_version": 1, "epoch": 0, "sequence": 1, "attempt": "a", '
        b'"space_id": "space-1", "dimension": 3}',
    ],
)
def test_a_manifest_that_cannot_be_used_is_named_and_the_rest_answers(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore, manifest: bytes
) -> None:
    writer.begin(folder(2)).commit(batch_of([2]))
    store.objects[folder(1).manifest] = manifest
    for _ in range(2):  # the second time from the cache
        answer = reader.search([folder(1), folder(2)], QUERY, 5, {folder(1): 0, folder(2): 1})
        assert [hit.image_id for hit in answer.hits] == [2]
        (problem,) = answer.problems
        assert problem.key == folder(1).manifest
    store.objects.pop(folder(1).manifest)
    assert reader.search([folder(1), folder(2)], QUERY, 5).problems == []


def test_a_tombstone_that_cannot_be_read_hides_what_it_may_mask(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore
) -> None:
    writer.begin(folder(1)).commit(batch_of([1, 2]))
    writer.begin(folder(1)).commit(batch_of([3]), removed=[1])
    tombstone = only(store, ".tomb")
    store.objects[tombstone] = b""
    answer = reader.search([folder(1)], QUERY, 5)
    assert [hit.image_id for hit in answer.hits] == [3]
    (problem,) = answer.problems
    assert problem.key == tombstone
    assert "older" in problem.reason


def test_a_manifest_whose_objects_were_swept_is_read_again(writer: IndexWriter, store: MemoryStore) -> None:
    writer.begin(folder(1)).commit(batch_of([1]))
    reader = IndexReader(store, memory_budget_bytes=0, disk_budget_bytes=0)
    reader.search([folder(1)], QUERY, 5)
    # A later version's compaction: another segment in place of the old one, which is swept.
    old = only(store, ".seg")
    new = old.replace("segments/", "segments/compacted-")
    store.objects[new] = store.objects.pop(old)
    edit_entry(store, folder(1), "segments", key=new.removeprefix(folder(1).prefix))
    answer = reader.search([folder(1)], QUERY, 5, {folder(1): 1})
    assert ([hit.image_id for hit in answer.hits], answer.problems) == ([1], [])
