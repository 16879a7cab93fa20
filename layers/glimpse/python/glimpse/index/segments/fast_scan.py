"""Scanning lists of codes, filled on demand: FAISS's fast scan of four bits a coordinate."""

from typing import Any

import faiss
import numpy as np

from glimpse.index.segments.flat import pin_threads
from glimpse.index.segments.pq import Coder
from glimpse.index.vectors import Ids, Mask, Vectors

_BLOCK = 32
_MANY = 4_096
"""Candidates that may be everything there is; to rank so many by their codes takes its time."""


class Scanner:
    """Lists of codes, as FAISS scans them.

    Parameters
    ----------
    coder : Coder
        What the codes mean.
    ends : (L,) int64
        For each list the row after its last.

    Attributes
    ----------
    filled : (L,) bool
        Which lists are there; empty ones always are.
    """

    def __init__(self, coder: Coder, ends: Ids) -> None:
        self._code_size = coder.code_size
        self._ends = ends
        self._lengths = np.diff(ends, prepend=0)
        self._index = coder.scanner()
        self._index.ntotal = int(ends[-1])
        self._blocks: Any = faiss.downcast_InvertedLists(self._index.invlists)
        self.filled: Mask = self._lengths == 0

    def fill(self, number: int, codes: memoryview) -> None:
        """Put the codes of a list into the FAISS index, in the order in which it scans them."""
        rows = np.arange(self._ends[number] - self._lengths[number], self._ends[number], dtype=np.int64)
        padded = np.zeros((-(-len(rows) // _BLOCK), _BLOCK * self._code_size), np.uint8)
        padded.reshape(-1)[: len(codes)] = np.frombuffer(codes, np.uint8)
        packed = np.zeros((len(padded), self._blocks.block_size), np.uint8)
        for plain, block in zip(padded, packed, strict=True):
            self._blocks.packer.pack_all(faiss.swig_ptr(plain), faiss.swig_ptr(block))
        self._blocks.add_entries(number, len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(packed.reshape(-1)))
        self.filled[number] = True

    def best(self, projected: Vectors, lists: Ids, inner: Vectors, count: int, keep: Mask | None) -> Ids:
        """Return the rows that look best by their codes, best first.

        Parameters
        ----------
        projected : (D,) float32
            The query's coded coordinates.
        lists : (m,) int64
            Which lists to scan; they are filled.
        inner : (m,) float32
            The query's inner products with their centroids.
        count : int
            How many rows, at most.
        keep : (n,) bool, optional
            Which rows may be found.
        """
        if not len(lists) or count < 1:
            return np.empty(0, np.int64)
        if count >= _MANY or keep is not None:
            most = int(self._lengths[lists].sum() if keep is None else keep.sum())
            if count >= most:
                return self.rows_of(lists, keep)[:count]  # no need to look which are best
        pin_threads()
        selector = None
        if keep is not None:
            # FAISS wraps these constructors after its type hints were made.
            selector = faiss.IDSelectorBitmap(np.packbits(keep, bitorder="little"))  # type: ignore[call-arg,arg-type]
        params = faiss.SearchParametersIVF(nprobe=len(lists), sel=selector)  # type: ignore[call-arg]
        scores, rows = np.empty(count, np.float32), np.empty(count, np.int64)
        arrays = (projected, np.ascontiguousarray(lists), np.ascontiguousarray(inner), scores, rows)
        query, *places = (faiss.swig_ptr(array) for array in arrays)
        # FAISS's own wrapper takes no parameters; False: it answers with rows, not with places in lists.
        self._index.search_preassigned_c(1, query, count, *places, False, params)
        found = rows[rows >= 0]
        if len(found) < count:
            # Too few are there; or codes that are all alike, on whose scores FAISS can't agree.
            found = self.rows_of(lists, keep)[:count]
        return found

    def rows_of(self, lists: Ids, keep: Mask | None) -> Ids:
        """Return the rows of lists, in their order, of those that `keep` leaves."""
        ends, lengths = self._ends[lists], self._lengths[lists]
        rows = np.concatenate([np.arange(end - n, end) for end, n in zip(ends, lengths, strict=True)])
        return rows if keep is None else rows[keep[rows]]
