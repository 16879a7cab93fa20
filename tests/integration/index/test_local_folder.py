"""An index in a folder of this machine, with writers that share it, die, or find it gone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from glimpse.index import (
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    LocalFolderStore,
    StoreError,
    StoreUnavailable,
    VectorBatch,
)
from glimpse.index.errors import PreconditionFailed

from deployment.settings import ROOT

KEY = IndexKey("glimpse", "space-1", 1, 3)
QUERY = np.array([1.0, 0.0], np.float32)

EXAMPLE = ROOT / "docs/examples/local_index.py"
WITHOUT_AWS = "import sys; sys.modules.update(boto3=None, botocore=None, pynamodb=None, moto=None)\n"

COUNTING = """
import sys
from pathlib import Path
from glimpse.index import LocalFolderStore
from glimpse.index.errors import PreconditionFailed

store = LocalFolderStore(Path(sys.argv[1]))
print("ready", flush=True)
done = 0
while done < 200:
    stored = store.get("counter")
    try:
        store.put_if_match("counter", b"%d" % (int(stored.data) + 1), stored.etag)
    except PreconditionFailed:
        continue
    done += 1
"""

OVERWRITING = """
import itertools, sys
from pathlib import Path
from glimpse.index import LocalFolderStore

store = LocalFolderStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in itertools.count():
    store.put_if_match("large", b"%d" % (number % 10) * 2_000_000, store.get("large").etag)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep/store"


def start(program: str, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WITHOUT_AWS + program, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_swaps_of_processes_never_overwrite_each_other(folder: Path) -> None:
    store = LocalFolderStore(folder)
    store.put_if_none_match("counter", b"0")
    processes = [start(COUNTING, folder) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    counter = store.get("counter")
    assert counter is not None
    assert counter.data == b"400"
    assert list((folder / ".incoming").iterdir()) == []


def test_a_writer_that_is_killed_leaves_whole_objects_and_no_lock(folder: Path) -> None:
    store = LocalFolderStore(folder)
    store.put_if_none_match("large", b"0" * 2_000_000)
    process = start(OVERWRITING, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    seen, deadline = set[bytes](), time.monotonic() + 60
    while len(seen) < 5 and time.monotonic() < deadline:
        stored = store.get("large")
        assert stored is not None
        assert len(stored.data) == 2_000_000
        assert len(set(stored.data)) == 1
        seen.add(stored.data[:1])
    assert len(seen) == 5, "it was read while it changed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    stored = store.get("large")
    assert stored is not None
    assert len(set(stored.data)) == 1
    store.put_if_match("large", b"mine", stored.etag)
    assert [item.key for item in store.list("")] == ["large"]


def test_what_killed_writers_left_goes_a_day_later(folder: Path) -> None:
    LocalFolderStore(folder)
    for name, age in (("old", 90_000), ("new", 3_000)):
        path = folder / ".incoming" / name
        path.write_bytes(b"part")
        os.utime(path, (time.time() - age,) * 2)
    LocalFolderStore(folder)
    assert [path.name for path in (folder / ".incoming").iterdir()] == ["new"]


def test_one_of_many_threads_writes_an_object(folder: Path) -> None:
    store = LocalFolderStore(folder)

    def put(number: int) -> bool:
        try:
            store.put_if_none_match("a/b/once", b"%d" % number)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(put, range(40))) == 1


def test_a_folder_that_is_gone_is_no_empty_one(folder: Path) -> None:
    store = LocalFolderStore(folder)
    store.put_if_none_match("a", b"1")
    shutil.rmtree(folder)
    for ask in (
        lambda: store.get("a"),
        lambda: store.get_range("a", 0, 1),
        lambda: store.put_if_none_match("b", b""),
        lambda: store.delete(["a"]),
        lambda: store.children("", 1),
        lambda: list(store.list("")),
    ):
        with pytest.raises(StoreError) as raised:
            ask()
        assert not isinstance(raised.value, StoreUnavailable)


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".lock", "a/.b", "a\0b"])
def test_a_key_that_leads_elsewhere_is_refused(folder: Path, key: str) -> None:
    store = LocalFolderStore(folder)
    for ask in (
        lambda: store.get(key),
        lambda: store.put_if_none_match(key, b""),
        lambda: store.put_if_match(key, b"", '"tag"'),
        lambda: store.delete([key]),
    ):
        with pytest.raises(StoreError, match="can't be the key"):
            ask()


def test_a_key_below_another_is_refused_and_has_no_object(folder: Path) -> None:
    store = LocalFolderStore(folder)
    store.put_if_none_match("a/b", b"1")
    for key in ("a", "a/b/c"):
        assert store.get(key) is None
        store.delete([key])
        with pytest.raises(StoreError):
            store.put_if_none_match(key, b"2")
    assert store.children("a/b/", 9) == set()
    assert [item.key for item in store.list("")] == ["a/b"]


def test_an_index_of_many_writers_is_whole(folder: Path) -> None:
    def commit(image_id: int) -> None:
        batch = VectorBatch(np.array([image_id]), QUERY[np.newaxis], np.zeros(1, np.int64))
        IndexWriter(LocalFolderStore(folder)).begin(KEY).commit(batch)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(commit, range(30)))
    store = LocalFolderStore(folder)
    maintenance = IndexMaintenance(store)
    assert maintenance.compact(KEY, whole=True).spans == 1
    for ahead in (3600, 7200):
        IndexMaintenance(store, clock=lambda ahead=ahead: time.time() + ahead).sweep(KEY)
    assert maintenance.check(KEY).errors == []
    answer = IndexReader(store, disk_budget_bytes=0).search([KEY], QUERY, 100)
    assert ({hit.image_id for hit in answer.hits}, answer.problems) == (set(range(30)), [])
    names = [item.key.removeprefix(KEY.prefix).partition("/")[0] for item in store.list(KEY.prefix)]
    assert sorted(names) == ["attempts", "manifest.json", "segments"]


def test_the_example_runs_without_aws(folder: Path) -> None:
    program = f"{WITHOUT_AWS}import runpy; runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "committed 1000 images; the index has version 20",
        "nearest to image 123: [(123, 1.0), (339, 0.383), (113, 0.377)]",
        "nearest to a sum of 123 and 456: [123, 456]",
        "of the first 100 days: True",
        "found after it was removed: False",
        "compacted: 21 spans became 1",
        "checked: 999 vectors, 0 errors",
        "found after the index was deleted: 0",
    ]
