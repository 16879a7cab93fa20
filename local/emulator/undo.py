"""Objects on disk as of the last snapshot: what was changed since can be undone.

MiniStack writes and removes an object's files at once, while its tables and queues are saved a moment later.
A kill in between would leave photographs deleted of a folder that survives, or a folder's index emptied. So
before a file is replaced or removed, a second link to it is kept, and a log says which. A snapshot closes the
log of what it knows and names it; the next start takes back what is in younger logs. Then tables, queues and
objects are of one moment, in whatever order things happened.

Each log is a folder, named by its number: ``log`` holds one line of JSON for each file, written before the
file is touched: ``path`` (below the folder of all files, which may be moved), and ``kept``, the name under
which its former content lies beside the log (null: there was none).
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
    """Notes what is done to files, so that :func:`undo` can take it back.

    Parameters
    ----------
    folder
        Where the logs go; on the file system of the files themselves, or former contents are copied.
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
        """Note a file that is about to be written, replaced or removed.

        Raises
        ------
        OSError
            If that can't be noted; then the file must stay as it is.
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
            file.flush()  # to the system: a killed process loses nothing of it
            self._touched.add(name)

    def close(self) -> int:
        """Begin a new log, and return the number of the last one before it: a snapshot of now covers it."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
                self._touched.clear()
                self._number += 1
            return self._number - 1

    def forget(self, number: int) -> None:
        """Remove the logs up to a number: a snapshot that covers them is on disk."""
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
    """Take back what was done to files after a snapshot; may itself be killed and run again.

    Parameters
    ----------
    folder
        Where the logs are.
    root
        The folder of all files.
    covered
        The last log that the snapshot covers; None if it names none, since an earlier version wrote it:
        then nothing is taken back.

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
    """Have a file's content under a second name; False if there is no such file."""
    kept.unlink(missing_ok=True)  # by a change that was not noted in the end
    try:
        os.link(path, kept)
    except FileNotFoundError:
        return False
    except OSError:  # a file system without links
        shutil.copy2(path, kept)
    return True


def _put_back(path: Path, kept: Path | None) -> None:
    if kept is None:
        path.unlink(missing_ok=True)
        return
    if kept.exists():  # else it was put back by a run of `undo` that was killed
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.replace(path)


def _entries(log: Path) -> list[dict[str, Any]]:
    try:
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    # A line without its end was being written at the kill, and its file is still as it was.
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _numbers(folder: Path) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(each.name) for each in folder.iterdir() if each.name.isdigit()]
    return []
