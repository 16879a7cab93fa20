import json
import shutil
from pathlib import Path

import pytest

from local.emulator.undo import UndoLog, undo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "objects"
    root.mkdir()
    (root / "a").write_text("1")
    (root / "b").write_text("1")
    return root


def _contents(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def _write(log: UndoLog, path: Path, text: str) -> None:
    log.before_change(path)
    path.parent.mkdir(exist_ok=True)
    written = path.with_suffix(".written")
    written.write_text(text)
    written.replace(path)


def test_changes_after_a_moment_are_taken_back_and_those_before_stay(tmp_path: Path, root: Path) -> None:
    log = UndoLog(tmp_path / "undo", root)
    _write(log, root / "a", "2")
    covered = log.close()
    _write(log, root / "a", "3")
    _write(log, root / "new/c", "3")
    log.before_change(root / "b")
    (root / "b").unlink()
    log.close()
    _write(log, root / "a", "4")
    _write(log, root / "b", "4")
    undo(tmp_path / "undo", root, covered)
    assert _contents(root) == {"a": "2", "b": "1"}
    assert list((tmp_path / "undo").iterdir()) == []


def test_an_undoing_that_was_killed_is_done_again(tmp_path: Path, root: Path) -> None:
    log = UndoLog(tmp_path / "undo", root)
    _write(log, root / "a", "2")
    log.close()
    _write(log, root / "a", "3")
    log.before_change(root / "b")
    (root / "b").unlink()
    killed = tmp_path / "undo/2"
    [kept] = [json.loads(line)["kept"] for line in (killed / "log").read_text().splitlines() if '"a"' in line]
    (killed / kept).replace(root / "a")  # as far as it came
    undo(tmp_path / "undo", root, 0)
    assert _contents(root) == {"a": "1", "b": "1"}


def test_half_a_line_tells_of_a_change_that_was_not_made(tmp_path: Path, root: Path) -> None:
    log = UndoLog(tmp_path / "undo", root)
    _write(log, root / "a", "2")
    with (tmp_path / "undo/1/log").open("a") as file:
        file.write('{"path": "b", "ke')
    undo(tmp_path / "undo", root, 0)
    assert _contents(root) == {"a": "1", "b": "1"}


def test_what_a_snapshot_covers_is_forgotten(tmp_path: Path, root: Path) -> None:
    log = UndoLog(tmp_path / "undo", root)
    _write(log, root / "a", "2")
    log.forget(log.close())
    assert list((tmp_path / "undo").iterdir()) == []
    _write(log, root / "a", "3")
    assert UndoLog(tmp_path / "undo", root).close() > log.close() - 1  # numbers are not used again


def test_a_snapshot_of_an_earlier_version_takes_nothing_back(tmp_path: Path, root: Path) -> None:
    log = UndoLog(tmp_path / "undo", root)
    _write(log, root / "a", "2")
    undo(tmp_path / "undo", root, None)
    assert _contents(root) == {"a": "2", "b": "1"}
    assert list((tmp_path / "undo").iterdir()) == []


def test_a_home_may_be_moved(tmp_path: Path, root: Path) -> None:
    log = UndoLog(tmp_path / "undo", root)
    _write(log, root / "a", "2")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("undo", "objects"):
        shutil.move(tmp_path / name, elsewhere / name)
    undo(elsewhere / "undo", elsewhere / "objects", 0)
    assert _contents(elsewhere / "objects") == {"a": "1", "b": "1"}
