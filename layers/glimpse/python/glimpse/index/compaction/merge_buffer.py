"""Buffers the vectors of a merge's inputs, for merges too large for memory.

Vectors stay in half precision, as segments store them, so nothing is rounded twice. Large buffers are
unlinked memory-mapped files: they take two bytes a coordinate on disk, and little memory.
"""

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from glimpse.index.vectors import Halves, Ids, VectorBatch, Vectors

_IN_MEMORY_BYTES = 32 * 2**20


@dataclass(frozen=True, eq=False)
class StoredRows:
    """A selection of a buffer's rows: a :class:`~glimpse.index.vectors.VectorRows`.

    Attributes
    ----------
    image_ids, taken_at : (n,) int64
        As in a :class:`~glimpse.index.vectors.VectorBatch`.
    """

    image_ids: Ids
    taken_at: Ids
    _halves: Halves
    _places: Ids

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def dimension(self) -> int:
        """Dimension d of the vectors."""
        return int(self._halves.shape[1])

    def take(self, places: Ids) -> Vectors:
        """Return the (k, d) float32 vectors at (k,) int64 positions."""
        vectors: Vectors = self._halves[self._places[places]].astype(np.float32)
        return vectors


class MergeBuffer:
    """Holds the rows of several segments. Threads may fill in different segments at the same time.

    Parameters
    ----------
    counts : sequence of int
        Number of rows of each segment.
    dimension : int
        Dimension of the vectors.

    Raises
    ------
    OSError
        If a temporary file can't be created.
    """

    def __init__(self, counts: Sequence[int], dimension: int) -> None:
        self._ends = np.cumsum(np.array(counts, np.int64))
        total = int(self._ends[-1]) if len(counts) else 0
        self.image_ids: Ids = np.empty(total, np.int64)
        self.taken_at: Ids = np.empty(total, np.int64)
        self._file = None
        if 2 * total * dimension <= _IN_MEMORY_BYTES:
            self._halves: Halves = np.empty((total, dimension), np.float16)
        else:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it must live as long as its mapping
            self._file.truncate(2 * total * dimension)
            self._halves = np.memmap(self._file, np.float16, "r", shape=(total, dimension))

    def fill(self, segment: int, pieces: Iterable[VectorBatch]) -> None:
        """Store the rows of a segment, in order.

        Raises
        ------
        ValueError
            If the segment does not have the stated number of rows.
        OSError
            If the disk is full.
        """
        end = int(self._ends[segment])
        row = int(self._ends[segment - 1]) if segment else 0
        for piece in pieces:
            rows = slice(row, row + len(piece))
            if rows.stop > end:
                raise ValueError(f"segment {segment} has more rows than stated")
            self.image_ids[rows], self.taken_at[rows] = piece.image_ids, piece.taken_at
            self._put(row, piece.vectors.astype(np.float16))
            row = rows.stop
        if row != end:
            raise ValueError(f"segment {segment} has {end - row} rows fewer than stated")

    def rows(self, places: Ids) -> StoredRows:
        """Return the rows at (n,) int64 positions, in that order."""
        return StoredRows(self.image_ids[places], self.taken_at[places], self._halves, places)

    def _put(self, row: int, vectors: Halves) -> None:
        if self._file is None:
            self._halves[row : row + len(vectors)] = vectors
            return
        # Not stored through the mapping: there a full disk raises SIGBUS instead of an error.
        data = vectors.tobytes()
        if os.pwrite(self._file.fileno(), data, row * 2 * vectors.shape[1]) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
