"""Caches with byte budgets: one in memory, and one on disk that several processes may share."""

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
"""Eviction goes down to this share of the disk budget, so that not every write has to evict."""


class MemoryCache(Generic[K, V]):
    """A thread-safe LRU cache.

    Parameters
    ----------
    budget_bytes : int
        Maximum total size of the values. A value larger than this is not cached.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    @property
    def weight(self) -> int:
        """Total size of the values, in bytes."""
        return self._weight

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None if it is not cached."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Cache a value whose size is `weight` bytes."""
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
    """Caches objects as files named by their SHA-256. Callers must check what they read against that name.

    A full or failing disk slows searches down but never fails one. Eviction is LRU, and counts the files of
    every process that shares the directory.

    Parameters
    ----------
    folder : Path
        Created when needed, readable by this user only.
    budget_bytes : int
        Maximum total size of the files; 0 turns the cache off.
    """

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._written: int | None = None

    def has(self, sha256: str) -> bool:
        """Tell whether the object with this digest is cached."""
        return (self._folder / sha256).exists()

    def get(self, sha256: str) -> bytes | None:
        """Return the object with this digest, unverified, or None if it is not cached."""
        path = self._folder / sha256
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, sha256: str, data: bytes) -> None:
        """Cache an object."""
        if len(data) > self._budget:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock:
                self._make_room(len(data))
            self._write(self._folder / sha256, data)
        except OSError as error:
            _logger.warning("an object could not be cached on disk: %s", error)

    def drop(self, sha256: str) -> None:
        """Remove an object whose file turned out to be damaged."""
        with contextlib.suppress(OSError):  # if the file can't be removed, the next reader rejects it again
            (self._folder / sha256).unlink()

    def _write(self, path: Path, data: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except OSError:
            with contextlib.suppress(OSError):  # report the original error, not this one
                Path(temporary).unlink()
            raise

    def _make_room(self, size: int) -> None:
        """Evict until `size` more bytes fit. Only scan the directory once our own writes fill the budget."""
        if self._written is not None and self._written + size <= self._budget:
            self._written += size
            return
        files = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process may have evicted it
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
