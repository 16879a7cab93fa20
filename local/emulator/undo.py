"""An undo log for objects on disk: changes since the last snapshot can be undone.

MiniStack writes and removes an object's files at once, but its tables and queues are saved a moment later. A
kill in between could delete the photographs of a folder that survives, or empty a folder's index. So before a
file is replaced or removed, a hard link keeps its content, and a log records it. A snapshot closes the
current log and stores its number. The next start undoes the changes in newer logs. Then tables, queues and
objects are all of one moment, in whatever order things happened.

Each log is a folder named by its number. Its file ``log`` holds one line of JSON per changed file, written
before the file is touched: ``path`` (relative to the folder of all files, which may be moved), and ``kept``,
the name in the log's folder of its previous content (null: there was none).
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any

_LOG = "log"


class UndoLog:
    """Records changes to files, so that :func:`undo` can undo them.

    Parameters
    ----------
    folder
        Where the logs go. Previous contents are hard-linked if it shares the files' file system, else copied.
    root
        The folder of all files.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root.resolve()
        self._lock = Lock()
        self._touched: set[str] = set()
        self._file: IO[str] | None = None
        self._number = max(_numbers(folder), default=0) + 1

    def before_change(self, path: str | Path) -> None:
        """Record a file that is about to be written, replaced or removed.

        Raises
        ------
        OSError
            If it can't be recorded; the file must then stay as it is.
        ValueError
            If the file is not below the folder of all files.
        """
        name = str(Path(path).relative_to(self._root))
        with self._lock:
            if name in self._touched:
                return
            file = self._file or self._open()
            kept: str | None = f"{len(self._touched)}"
            if not _keep(Path(path), self._segment / str(kept)):
                kept = None
            file.write(json.dumps({"path": name, "kept": kept}) + "\n")
            file.flush()  # hands it to the kernel, so that a killed process loses nothing
            self._touched.add(name)

    def close(self) -> int:
        """Begin a new log, and return the number of the last one: a snapshot taken now covers it."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
                self._touched.clear()
                self._number += 1
            return self._number - 1

    def forget(self, number: int) -> None:
        """Remove the logs up to this number, once a snapshot that covers them is on disk."""
        for each in _numbers(self._folder):
            if each <= number:
                shutil.rmtree(self._folder / str(each), ignore_errors=True)  # what stays is removed next time

    @property
    def _segment(self) -> Path:
        return self._folder / str(self._number)

    def _open(self) -> IO[str]:
        self._segment.mkdir(parents=True, exist_ok=True)
        self._file = (self._segment / _LOG).open("a", encoding="utf-8")
        return self._file


def undo(folder: Path, root: Path, covered: int | None) -> None:
    """Undo the changes made to files after a snapshot; can itself be killed and run again.

    Parameters
    ----------
    folder
        Where the logs are.
    root
        The folder of all files.
    covered
        The last log that the snapshot covers. None if the snapshot names none because an earlier version
        wrote it: then nothing is undone.

    Raises
    ------
    OSError
        If a file can't be put back.
    """
    for number in sorted(_numbers(folder), reverse=True):
        segment = folder / str(number)
        if covered is not None and number > covered:
            for entry in _entries(segment / _LOG):
                _put_back(root / entry["path"], None if entry["kept"] is None else segment / entry["kept"])
        shutil.rmtree(segment)


def _keep(path: Path, kept: Path) -> bool:
    """Keep a file's content under a second name; False if there is no such file."""
    kept.unlink(missing_ok=True)  # left by a change that was never recorded
    try:
        os.link(path, kept)
    except FileNotFoundError:
        return False
    except OSError:  # the file system has no hard links
        shutil.copy2(path, kept)
    return True


def _put_back(path: Path, kept: Path | None) -> None:
    if kept is None:
        path.unlink(missing_ok=True)
        return
    if kept.exists():  # else a run of `undo` that was killed has already put it back
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.replace(path)


def _entries(log: Path) -> list[dict[str, Any]]:
    try:
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    # A kill interrupted the writing of a line without its newline; its file has not been touched.
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _numbers(folder: Path) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(each.name) for each in folder.iterdir() if each.name.isdigit()]
    return []
