"""The checker says what is wrong, and a repair leaves a sound index that invents nothing."""

from collections.abc import Callable

import pytest
from glimpse.index import Defect, IndexKey, IndexMaintenance, IndexReader, IndexWriter, ObjectUnsupported
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.index.memory_store import Fault, FaultyStore, MemoryStore, edit_manifest, manifest_of
from tests.unit.index.vectors import batch_of, unit_vectors

Damage = Callable[[MemoryStore, IndexKey], None]


def fill(writer: IndexWriter, key: IndexKey) -> None:
    writer.begin(key).commit(batch_of([1, 2]))
    writer.begin(key).commit(batch_of([3]), removed=[1])
    writer.begin(key).commit(batch_of([4]))


def spoil(kind: str, place: int, data: bytes | None) -> Damage:
    def damage(store: MemoryStore, key: IndexKey) -> None:
        name = key.object(manifest_of(store, key)[kind][place]["key"])
        if data is None:
            del store.objects[name]
        else:
            store.objects[name] = data

    return damage


def change(which: str, place: int, **fields: object) -> Damage:
    def damage(store: MemoryStore, key: IndexKey) -> None:
        entries = manifest_of(store, key)[which]
        entries[place] |= fields
        edit_manifest(store, key, **{which: entries})

    return damage


def repeat(store: MemoryStore, key: IndexKey) -> None:
    entries = manifest_of(store, key)["segments"]
    edit_manifest(store, key, segments=[*entries, entries[0]])


def found(reader: IndexReader, key: IndexKey) -> set[int]:
    answer = reader.search([key], unit_vectors(1)[0], 100)
    assert answer.problems == []
    return {hit.image_id for hit in answer.hits}


def searchable(reader: IndexReader, key: IndexKey) -> set[int]:
    return {hit.image_id for hit in reader.search([key], unit_vectors(1)[0], 100).hits}


def test_a_sound_index_has_no_findings(
    writer: IndexWriter, maintenance: IndexMaintenance, key: IndexKey
) -> None:
    assert maintenance.check(key).findings == []
    fill(writer, key)
    report = maintenance.check(key)
    assert (report.findings, report.spans, report.vectors, report.tombstones) == ([], 3, 4, 1)
    assert report.batch is not None
    assert report.batch.image_ids.tolist() == [2, 3, 4]
    assert maintenance.repair(key).version == 3


@pytest.mark.parametrize(
    ("damage", "defect", "left"),
    [
        (spoil("segments", 0, None), Defect.MISSING, {3, 4}),
        (spoil("segments", 1, b""), Defect.DAMAGED, {2, 4}),
        (change("segments", 2, sha256="0" * 64), Defect.DAMAGED, {2, 3}),
        (change("segments", 2, count=7), Defect.DAMAGED, {2, 3}),
        (change("segments", 2, sequence=9), Defect.OUT_OF_ORDER, {2, 3, 4}),
        (change("segments", 2, sequence=0), Defect.OUT_OF_ORDER, {2, 3}),
        (change("segments", 2, attempts=0, first=2), Defect.OUT_OF_ORDER, {2, 3}),
        (change("segments", 1, attempts=0, first=1), Defect.OUT_OF_ORDER, {2, 4}),
        (change("segments", 2, attempts=0, first=9), Defect.OUT_OF_ORDER, {2, 3}),
        (change("tombstones", 0, attempts=0, first=1), Defect.OUT_OF_ORDER, {2, 4}),
        (change("tombstones", 0, sequence=0), Defect.OUT_OF_ORDER, set()),
        (change("segments", 2, attempts=1, first=3), Defect.LOG_UNUSABLE, {2, 3, 4}),
        (repeat, Defect.REPEATED, {2, 3, 4}),
        (spoil("tombstones", 0, None), Defect.MISSING, {3, 4}),
        (spoil("tombstones", 0, b"rubbish"), Defect.DAMAGED, {3, 4}),
    ],
)
def test_what_is_wrong_is_named_and_mended(
    writer: IndexWriter,
    maintenance: IndexMaintenance,
    reader: IndexReader,
    store: MemoryStore,
    key: IndexKey,
    damage: Damage,
    defect: Defect,
    left: set[int],
) -> None:
    fill(writer, key)
    damage(store, key)
    report = maintenance.check(key)
    assert [finding.defect for finding in report.errors] == [defect]
    assert not report.is_sound
    assert report.batch is not None
    assert set(report.batch.image_ids) == searchable(reader, key)
    repaired = maintenance.repair(key)
    assert repaired.version > 3
    assert [finding.defect for finding in repaired.mended] == [defect]
    assert repaired.needs_embedding == (left != {2, 3, 4})
    assert maintenance.check(key).errors == []
    assert found(reader, key) == left
    assert writer.begin(key).commit(batch_of([9])).version == repaired.version + 1


def test_a_damaged_manifest_becomes_an_empty_index(
    writer: IndexWriter, maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey
) -> None:
    late = writer.begin(key)
    fill(writer, key)
    store.now = 1.8e9
    store.objects[key.manifest] = b"{"
    assert [finding.defect for finding in maintenance.check(key).errors] == [Defect.DAMAGED]
    repaired = maintenance.repair(key)
    assert repaired.is_emptied
    assert repaired.needs_embedding
    assert manifest_of(store, key)["epoch"] > late.epoch
    report = maintenance.check(key)
    assert report.errors == []
    assert {finding.defect for finding in report.findings} == {Defect.UNREFERENCED}


def test_what_a_later_version_wrote_is_left_alone(
    writer: IndexWriter, maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    change("segments", 0, kind="later")(store, key)
    report = maintenance.check(key)
    assert [finding.defect for finding in report.findings] == [Defect.UNSUPPORTED]
    assert report.is_sound
    before = store.objects[key.manifest]
    maintenance.repair(key)
    assert store.objects[key.manifest] == before
    edit_manifest(store, key, format_version=2)
    with pytest.raises(ObjectUnsupported):
        maintenance.repair(key)


def test_leftovers_and_strangers_are_notes(
    writer: IndexWriter, maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    store.objects[key.object(f"segments/{'a' * 32}.seg")] = b"left over"
    store.objects[key.object("segments/notes.txt")] = b"not ours"
    report = maintenance.check(key)
    assert report.is_sound
    assert [finding.defect for finding in report.findings] == [Defect.UNREFERENCED, Defect.STRANGE]


def test_a_repair_starts_over_when_somebody_commits_meanwhile(
    writer: IndexWriter, maintenance: IndexMaintenance, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    spoil("segments", 0, None)(store, key)
    real = store.put_if_match
    calls = []

    def racing(name: str, data: bytes, etag: str) -> None:
        calls.append(name)
        if len(calls) == 1:
            writer.begin(key).commit(batch_of([5]))
        real(name, data, etag)

    store.put_if_match = racing  # type: ignore[method-assign]
    maintenance.repair(key)
    assert found(reader, key) == {3, 4, 5}


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.ECHO_412])
@pytest.mark.parametrize("is_emptied", [False, True])
@pytest.mark.parametrize("is_followed", [False, True])
def test_a_repair_whose_answer_is_lost_says_what_it_did(
    writer: IndexWriter,
    store: MemoryStore,
    key: IndexKey,
    fault: Fault,
    *,
    is_emptied: bool,
    is_followed: bool,
) -> None:
    fill(writer, key)
    if is_emptied:
        store.objects[key.manifest] = b"{"
    else:
        spoil("segments", 0, None)(store, key)
    before = len(store.manifests)
    faulty = FaultyStore(store, [], lambda: None, lambda: 0.0)
    puts = iter(range(100))

    def swap(name: str, data: bytes, etag: str) -> None:
        faulty.fail({0: fault} if next(puts) == 0 else {})
        try:
            FaultyStore.put_if_match(faulty, name, data, etag)
        finally:
            if is_followed:
                writer.begin(key).commit(batch_of([5]))

    faulty.put_if_match = swap  # type: ignore[method-assign]
    repaired = IndexMaintenance(faulty, readers=1, clock=lambda: store.now, sleep=lambda _: None).repair(key)
    assert len(store.manifests) == before + 1 + is_followed
    assert [finding.defect for finding in repaired.mended] == [
        Defect.DAMAGED if is_emptied else Defect.MISSING
    ]
    assert (repaired.is_emptied, repaired.needs_embedding) == (is_emptied, True)
    assert repaired.version == manifest_of(store, key)["sequence"]


_NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "sequence": st.integers(0, 5),
        "first": st.integers(0, 5),
        "attempts": st.integers(0, 1),
        "sha256": st.just("0" * 64),
    },
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_NUMBERS, min_size=4, max_size=4),
    st.lists(st.integers(0, 3), max_size=2),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_whatever_the_numbers_a_repaired_index_is_sound_and_shows_nothing_more(
    changes: list[dict[str, object]], again: list[int], astray: int, epoch: int
) -> None:
    store, key = MemoryStore(), IndexKey("glimpse", "space-1", 1, 3)
    fill(IndexWriter(store), key)
    document = manifest_of(store, key)
    entries = [
        (kind, entry) for kind in ("segments", "tombstones") for entry in document[kind]
    ]  # three segments, one tombstone
    changed = [(kind, entry | change) for (kind, entry), change in zip(entries, changes, strict=True)]
    changed += [changed[place] for place in again]
    if astray:
        changed.append(("tombstones", changed[astray - 1][1]))
    by_kind = {kind: [entry for of, entry in changed if of == kind] for kind in ("segments", "tombstones")}
    edit_manifest(store, key, epoch=epoch, **by_kind)
    maintenance = IndexMaintenance(store, readers=1)
    before = maintenance.check(key)
    repaired = maintenance.repair(key)
    after = maintenance.check(key)
    assert after.errors == []
    assert bool(repaired.mended) == (not before.is_sound)
    assert before.batch is not None
    assert after.batch is not None
    assert set(after.batch.image_ids) <= set(before.batch.image_ids)
    assert (
        before.is_sound or repaired.vectors_lost or set(after.batch.image_ids) == set(before.batch.image_ids)
    )
