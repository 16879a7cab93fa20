"""Manifests of later versions, of other spaces, and damaged ones."""

from typing import Any

import pytest
from glimpse.index import (
    EpochChanged,
    IndexKey,
    IndexReader,
    IndexWriter,
    ObjectDamaged,
    ObjectForeign,
    ObjectUnsupported,
)

from tests.unit.index.memory_store import MemoryStore, edit_manifest, manifest_of
from tests.unit.index.vectors import batch_of, unit_vectors


def test_a_manifest_of_a_later_version_is_left_alone(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    attempt = writer.begin(key)
    attempt.commit(batch_of([1]))
    edit_manifest(store, key, format_version=2)
    before = store.objects[key.manifest]
    for change in (
        lambda: writer.begin(key),
        lambda: attempt.commit(batch_of([2])),
        lambda: writer.create(key),
        lambda: writer.delete(key),
    ):
        with pytest.raises(ObjectUnsupported):
            change()
    assert store.objects[key.manifest] == before


def test_what_a_later_version_added_survives_a_commit(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    writer.begin(key).commit(batch_of([1]))
    ivf = {
        "key": "segments/big.ivf",
        "kind": "ivf",
        "format_version": 3,
        "sequence": 1,
        "count": 10,
        "bytes": 20,
        "sha256": "0" * 64,
        "lists": {"offset": 64, "nlist": 4096},
    }
    edit_manifest(store, key, segments=[*manifest_of(store, key)["segments"], ivf], compacted_at=12)
    writer.begin(key).commit(batch_of([2]), removed=[1])
    manifest = manifest_of(store, key)
    assert manifest["segments"][1] == ivf
    assert manifest["compacted_at"] == 12
    assert manifest["sequence"] == 2


def test_a_deletion_drops_what_it_does_not_know(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    writer.begin(key).commit(batch_of([1]))
    edit_manifest(store, key, routing={"centroids": "segments/c.bin"})
    writer.delete(key)
    assert "routing" not in manifest_of(store, key)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"kind": "glimpse-index"}',
        b'{"kind": "glimpse-index", "format_version": "1"}',
        b'{"kind": "glimpse-index", "format_version": 1, "epoch": -1}',
        b'{"kind": "other", "format_version": 1}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_manifest_stops_writers_but_not_a_deletion(
    writer: IndexWriter, reader: IndexReader, store: MemoryStore, key: IndexKey, damage: bytes
) -> None:
    began = writer.begin(key)
    began.commit(batch_of([1]))
    store.objects[key.manifest] = damage
    for change in (
        lambda: writer.begin(key),
        lambda: began.commit(batch_of([2])),
        lambda: writer.create(key),
    ):
        with pytest.raises(ObjectDamaged):
            change()
    deleted = writer.delete(key)
    assert deleted.epoch > began.epoch
    assert deleted.version > 1
    with pytest.raises(EpochChanged):
        began.commit(batch_of([3]))
    assert writer.begin(key).commit(batch_of([4])).version == deleted.version + 1
    assert [hit.image_id for hit in reader.search([key], unit_vectors(1)[0], 5).hits] == [4]


@pytest.mark.parametrize(
    "entry", [{"key": "../../2/9/segments/a.seg"}, {"sha256": "../x"}, {"count": -1}, {"sequence": 1.5}]
)
def test_an_entry_that_cannot_be_is_damage(
    writer: IndexWriter, store: MemoryStore, key: IndexKey, entry: dict[str, Any]
) -> None:
    writer.begin(key).commit(batch_of([1]))
    (segment,) = manifest_of(store, key)["segments"]
    edit_manifest(store, key, segments=[segment | entry])
    with pytest.raises(ObjectDamaged, match=r"segments\.0"):
        writer.begin(key)


def test_a_manifest_of_another_space_is_left_alone(
    writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    writer.create(key)
    edit_manifest(store, key, space_id="space-2")
    for change in (lambda: writer.begin(key), lambda: writer.create(key), lambda: writer.delete(key)):
        with pytest.raises(ObjectForeign):
            change()
