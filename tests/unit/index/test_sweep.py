"""Sweeping: what nothing refers to goes, in two steps, and nothing else."""

import contextlib

import pytest
from glimpse.index import IndexKey, IndexMaintenance, IndexReader, IndexWriter
from glimpse.index.compaction.sweep import GRACE_SECONDS

from tests.unit.index.history import fill, found
from tests.unit.index.memory_store import Crash, Fault, FaultyStore, MemoryStore
from tests.unit.index.vectors import batch_of


def test_a_sweep_takes_what_merges_left_in_two_steps(
    writer: IndexWriter, maintenance: IndexMaintenance, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    before = found(reader, key)
    maintenance.compact(key, whole=True)
    assert (maintenance.sweep(key).removed, maintenance.sweep(key).marked) == (0, 0)
    store.now += 2 * GRACE_SECONDS + 1
    marked = maintenance.sweep(key)
    assert (marked.removed, marked.marked) == (0, 8)
    assert maintenance.sweep(key).removed == 0
    store.now += GRACE_SECONDS + 1
    swept = maintenance.sweep(key)
    assert (swept.removed, swept.is_clean) == (8, True)
    names = [entry for entry in store.objects if entry != key.manifest]
    assert sorted(name.removeprefix(key.prefix).split("/")[0] for name in names) == ["attempts", "segments"]
    assert found(reader, key) == before


def test_a_sweep_leaves_what_an_attempt_may_still_name_and_what_is_not_ours(
    writer: IndexWriter, maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey
) -> None:
    faulty = FaultyStore(store, [], lambda: None, lambda: store.now)
    faulty.fail({3: Fault.CRASH_BEFORE})
    with pytest.raises(Crash):
        IndexWriter(faulty).begin(key).commit(batch_of([1]))
    store.objects[key.object("notes.txt")] = b"mine"
    store.now += GRACE_SECONDS
    assert maintenance.sweep(key).young == 1
    store.now += GRACE_SECONDS + 1
    assert maintenance.sweep(key).marked == 1
    store.now += GRACE_SECONDS + 1
    assert maintenance.sweep(key).removed == 1
    assert list(store.objects) == [key.object("notes.txt")]


def test_a_sweep_may_die_anywhere_and_be_repeated(
    writer: IndexWriter, maintenance: IndexMaintenance, reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    fill(writer, key)
    before = found(reader, key)
    maintenance.compact(key, whole=True)
    for request in range(12):
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            store.now += 2 * GRACE_SECONDS + 1
            faulty = FaultyStore(store, [], lambda: None, lambda: store.now)
            faulty.fail({request: fault})
            with contextlib.suppress(Crash):
                IndexMaintenance(faulty, clock=lambda: store.now).sweep(key)
            assert found(reader, key) == before
            assert maintenance.check(key).errors == []
    store.now += 2 * GRACE_SECONDS
    maintenance.sweep(key)
    assert maintenance.check(key).findings == []


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b'{"kind": "other", "format_version": 1, "names": []}',
        b"\xff",
        b"[]",
        b'{"kind": "glimpse-marks", "format_version": 1, "names": 7}',
    ],
)
def test_a_damaged_mark_stops_no_sweep_and_goes(
    writer: IndexWriter,
    maintenance: IndexMaintenance,
    store: MemoryStore,
    key: IndexKey,
    caplog: pytest.LogCaptureFixture,
    rubbish: bytes,
) -> None:
    fill(writer, key)
    maintenance.compact(key, whole=True)
    store.now += 2 * GRACE_SECONDS + 1
    assert maintenance.sweep(key).marked == 8
    (mark,) = (name for name in store.objects if name.startswith(key.object("marks/")))
    store.objects[mark] = rubbish
    report = maintenance.check(key)
    assert report.is_sound
    assert [finding.key for finding in report.findings if "/marks/" in finding.key] == [mark]
    for _ in range(2):  # the second finds the mark of the first
        assert (maintenance.sweep(key).removed, maintenance.sweep(key).marked) == (0, 8)
    assert mark in caplog.text
    store.now += GRACE_SECONDS + 1
    assert (maintenance.sweep(key).removed, maintenance.sweep(key).is_clean) == (8, True)
    assert mark not in store.objects
    assert maintenance.check(key).findings == []


def test_marks_of_a_later_version_are_its_own_business(
    maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey
) -> None:
    name = key.object(f"marks/{'0' * 32}.json")
    store.objects[name] = b'{"kind": "glimpse-marks", "format_version": 2, "list": []}'
    store.modified[name] = store.now
    for _ in range(2):
        assert maintenance.check(key).findings == []
        assert maintenance.sweep(key).is_clean
        assert name in store.objects
        store.now += 3 * GRACE_SECONDS
