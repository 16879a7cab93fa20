"""Scans posting lists of 4-bit codes with FAISS's fast scan. Lists are loaded on demand."""

from typing import Any

import faiss
import numpy as np

from glimpse.index.segments.flat import pin_threads
from glimpse.index.segments.pq import Coder
from glimpse.index.vectors import Ids, Mask, Vectors

_BLOCK = 32
_MANY = 4_096
"""From this many candidates on, first check whether they are all the rows: ranking them by code is slow."""


class Scanner:
    """Posting lists of codes in a FAISS fast-scan index.

    Parameters
    ----------
    coder : Coder
        Decodes the codes.
    ends : (L,) int64
        For each list, the row after its last.

    Attributes
    ----------
    filled : (L,) bool
        Which lists are loaded; empty lists always count as loaded.
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
        """Load the codes of a list into the FAISS index, packed in its scan order."""
        rows = np.arange(self._ends[number] - self._lengths[number], self._ends[number], dtype=np.int64)
        padded = np.zeros((-(-len(rows) // _BLOCK), _BLOCK * self._code_size), np.uint8)
        padded.reshape(-1)[: len(codes)] = np.frombuffer(codes, np.uint8)
        packed = np.zeros((len(padded), self._blocks.block_size), np.uint8)
        for plain, block in zip(padded, packed, strict=True):
            self._blocks.packer.pack_all(faiss.swig_ptr(plain), faiss.swig_ptr(block))
        self._blocks.add_entries(number, len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(packed.reshape(-1)))
        self.filled[number] = True

    def best(self, projected: Vectors, lists: Ids, inner: Vectors, count: int, keep: Mask | None) -> Ids:
        """Return the rows with the best approximate scores, best first.

        Parameters
        ----------
        projected : (D,) float32
            The query's coded coordinates.
        lists : (m,) int64
            The lists to scan; they must be loaded.
        inner : (m,) float32
            The query's inner products with the lists' centroids.
        count : int
            Maximum number of rows.
        keep : (n,) bool, optional
            The rows that may be found.

        Returns
        -------
        (k,) int64
            Row numbers, k ≤ `count`. If `count` covers all rows of the lists, they come unranked.
        """
        if not len(lists) or count < 1:
            return np.empty(0, np.int64)
        if count >= _MANY or keep is not None:
            most = int(self._lengths[lists].sum() if keep is None else keep.sum())
            if count >= most:
                return self.rows_of(lists, keep)[:count]  # all of them: no need to rank
        pin_threads()
        selector = None
        if keep is not None:
            # FAISS wraps these constructors at run time, so its type hints are wrong.
            selector = faiss.IDSelectorBitmap(np.packbits(keep, bitorder="little"))  # type: ignore[call-arg,arg-type]
        params = faiss.SearchParametersIVF(nprobe=len(lists), sel=selector)  # type: ignore[call-arg]
        scores, rows = np.empty(count, np.float32), np.empty(count, np.int64)
        arrays = (projected, np.ascontiguousarray(lists), np.ascontiguousarray(inner), scores, rows)
        query, *places = (faiss.swig_ptr(array) for array in arrays)
        # FAISS's Python wrapper takes no search parameters. False: return row ids, not positions in lists.
        self._index.search_preassigned_c(1, query, count, *places, False, params)
        found = rows[rows >= 0]
        if len(found) < count:
            # Too few rows; or FAISS lost some of many identical codes, whose scores tie.
            found = self.rows_of(lists, keep)[:count]
        return found

    def rows_of(self, lists: Ids, keep: Mask | None) -> Ids:
        """Return the rows of some lists, in list order, restricted to `keep`."""
        ends, lengths = self._ends[lists], self._lengths[lists]
        rows = np.concatenate([np.arange(end - n, end) for end, n in zip(ends, lengths, strict=True)])
        return rows if keep is None else rows[keep[rows]]
