"""Caches within byte budgets: one in memory, one on disk that several processes may share."""

import contextlib
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_logger = logging.getLogger(__name__)

_FULL_TO = 0.9
"""Share of the disk budget that is left filled after evicting, so that not every write has to evict."""


class MemoryCache(Generic[K, V]):
    """Least recently used goes first. Safe between threads.

    Parameters
    ----------
    budget_bytes : int
        What the values may weigh together; a value heavier than that is not kept.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    @property
    def weight(self) -> int:
        """Bytes that the values weigh together."""
        return self._weight

    def get(self, key: K) -> V | None:
        """Return a value, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep a value of `weight` bytes."""
        with self._lock:
            self._drop(key)
            if weight > self._budget:
                return
            self._entries[key] = (value, weight)
            self._weight += weight
            while self._weight > self._budget:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry[1]


class DiskCache:
    """Objects as files, named by their SHA-256. Whoever reads one checks it against that name.

    A full or failing disk costs speed, never an answer. What other processes put into the same folder
    counts when files are evicted, oldest use first.

    Parameters
    ----------
    folder : Path
        Made when needed, readable by this user only.
    budget_bytes : int
        What the files may take together; 0 turns the cache off.
    """

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._written: int | None = None

    def has(self, sha256: str) -> bool:
        """Tell whether there is a file of a digest."""
        return (self._folder / sha256).exists()

    def get(self, sha256: str) -> bytes | None:
        """Return the file of a digest, unchecked, or None."""
        path = self._folder / sha256
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, sha256: str, data: bytes) -> None:
        """Keep an object."""
        if len(data) > self._budget:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock:
                self._make_room(len(data))
            self._write(self._folder / sha256, data)
        except OSError as error:
            _logger.warning("an object was not kept on disk: %s", error)

    def drop(self, sha256: str) -> None:
        """Forget an object, since its file turned out damaged."""
        with contextlib.suppress(OSError):  # a file that can't be removed is checked, and refused, again
            (self._folder / sha256).unlink()

    def _write(self, path: Path, data: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except OSError:
            with contextlib.suppress(OSError):  # the error that led here is the one to report
                Path(temporary).unlink()
            raise

    def _make_room(self, size: int) -> None:
        """Evict until `size` more bytes fit, looking at the folder only when this process has filled it."""
        if self._written is not None and self._written + size <= self._budget:
            self._written += size
            return
        files = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process evicts as well
                status = path.stat()
                files.append((status.st_mtime_ns, status.st_size, path))
        total = sum(file[1] for file in files)
        if total + size > self._budget:
            for _, taken, path in sorted(files):
                path.unlink(missing_ok=True)
                total -= taken
                if total + size <= self._budget * _FULL_TO:
                    break
        self._written = total + size
