"""Full-precision vectors of large segments for re-ranking, cached in unlinked memory-mapped files."""

import errno
import logging
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glimpse.index.vectors import Halves, Mask

_logger = logging.getLogger(__name__)

Rows = npt.NDArray[np.int64]

_BLOCK = 512
"""The unit of ``st_blocks``, in bytes."""


class VectorFile:
    """The cached vectors of one segment. Thread-safe.

    The file is sparse, so rows that were never put take no space. It has no name, so it disappears with the
    process.
    """

    def __init__(self, files: "VectorFiles", folder: Path | None, count: int, dimension: int) -> None:
        self._files = files
        self._count, self._dimension = count, dimension
        self._lock = threading.Lock()
        self._present: Mask = np.zeros(count, np.bool_)
        self._file: int | None = None
        if folder is not None:
            try:
                self._open(folder)
            except OSError as error:
                _logger.warning("vectors can't be cached on disk: %s", error)

    def _open(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        size = self._count * 2 * self._dimension
        os.ftruncate(self._file, size)
        mapped = mmap.mmap(self._file, size, access=mmap.ACCESS_READ)
        self._vectors: Halves = np.frombuffer(mapped, "<f2").reshape(self._count, self._dimension)

    @property
    def nbytes(self) -> int:
        """Memory in use besides the mapped file, in bytes."""
        return self._present.nbytes

    @property
    def disk_bytes(self) -> int:
        """Disk space in use, in bytes."""
        return 0 if self._file is None else os.fstat(self._file).st_blocks * _BLOCK

    def has(self, rows: Rows) -> Mask:
        """Return which of the (k,) rows are cached: (k,) bool."""
        with self._lock:
            present: Mask = self._present[rows]
        return present

    def gather(self, rows: Rows) -> tuple[Mask, Halves]:
        """Return which rows are cached, (k,) bool, and the vectors of those rows, in order, float16."""
        with self._lock:
            present = self._present[rows]
            if not present.any():
                return present, np.empty((0, self._dimension), np.float16)
            return present, self._vectors[rows if present.all() else rows[present]]

    def put(self, runs: Sequence[tuple[int, Halves]]) -> None:
        """Cache runs of consecutive vectors, each given with its first row, as far as the disk allows."""
        if self._file is None:
            return
        size = 2 * self._dimension
        try:
            with self._lock:
                for first, vectors in runs:
                    # Not stored through the mapping: there a full disk raises SIGBUS instead of an error.
                    data = vectors.astype("<f2", copy=False).tobytes()
                    if os.pwrite(self._file, data, first * size) != len(data):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
                    self._present[first : first + len(vectors)] = True
        except OSError as error:
            _logger.warning("vectors could not be cached on disk: %s", error)
        self._files.make_room(self)

    def clear(self) -> None:
        """Drop all vectors and free their disk space."""
        with self._lock:
            self._present[:] = False
            if self._file is not None:
                # Readers copy under the lock, so none touches a page while the file is truncated.
                os.ftruncate(self._file, 0)
                os.ftruncate(self._file, self._count * 2 * self._dimension)


class VectorFiles:
    """The vector files of a process, under one byte budget. The least recently filled is cleared first.

    Parameters
    ----------
    folder : Path
        Directory for the files.
    budget_bytes : int
        Maximum total size on disk; 0 turns the cache off.
    """

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder if budget_bytes else None
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._open: list[weakref.ref[VectorFile]] = []

    @property
    def disk_bytes(self) -> int:
        """Disk space that all files use, in bytes."""
        with self._lock:
            return sum(file.disk_bytes for file in (ref() for ref in self._open) if file is not None)

    def open(self, count: int, dimension: int) -> VectorFile:
        """Return a file for `count` vectors of one segment."""
        file = VectorFile(self, self._folder, count, dimension)
        with self._lock:
            self._open.append(weakref.ref(file))
        return file

    def make_room(self, filled: VectorFile) -> None:
        """Clear files until the rest fits the budget, `filled` last."""
        with self._lock:
            alive = [
                file for file in (ref() for ref in self._open) if file is not None and file is not filled
            ]
            taken = filled.disk_bytes + sum(file.disk_bytes for file in alive)
            while taken > self._budget and alive:
                oldest = alive.pop(0)
                taken -= oldest.disk_bytes
                oldest.clear()
            if taken > self._budget:
                filled.clear()
            self._open = [weakref.ref(file) for file in (*alive, filled)]
