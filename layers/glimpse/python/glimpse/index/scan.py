"""An inverted segment in memory: as many of its lists and vectors as searches have read so far."""

import threading
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from glimpse.index.batches import Ids, Vectors
from glimpse.index.filters import is_in
from glimpse.index.inverted import Halves, Head
from glimpse.index.segment import Matching, pin_threads
from glimpse.index.vector_files import Mask, VectorFile

_BLOCK = 32
_MATCHES_PER_RESULT = 20
_MATCHES = 2_000
"""A filtered search goes on to further lists until it has seen so many images that match."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly inverted segments are searched.

    Attributes
    ----------
    lists : int
        Lists to scan.
    candidates : int
        Vectors to compare exactly; there are more where more results are wanted.
    new_lists, new_candidates : int
        How many of them may be read from the bucket, the most promising ones, shared by the segments of a
        search: a cold search is a little less thorough than the next.
    new_list_bytes : int
        How large these lists may be together.
    """

    lists: int = 128
    candidates: int = 200
    new_lists: int = 52
    new_candidates: int = 104
    new_list_bytes: int = 2_600_000


@dataclass(eq=False, slots=True)
class Probe:
    """One query on its way through a segment.

    Attributes
    ----------
    lists : (m,) int64
        The lists to scan, the most promising first.
    """

    query: Vectors
    projected: Vectors
    lists: Ids
    inner: Vectors
    matching: Mask | None = None


class InvertedSegment:
    """Lists, filled on demand, and what FAISS needs to scan them. Safe between threads.

    Parameters
    ----------
    head : Head
        The segment's head.
    vectors : VectorFile
        Keeps the vectors that were read.
    """

    def __init__(self, head: Head, vectors: VectorFile) -> None:
        self.head = head
        self.vectors = vectors
        self._index = head.coder.scanner()
        self._index.ntotal = head.count
        self._blocks: Any = faiss.downcast_InvertedLists(self._index.invlists)
        # Empty lists are never fetched.
        self._filled: Mask = head.lengths == 0
        self._filled_rows = 0
        self._image_ids: Ids = np.zeros(head.count, np.int64)
        self._taken_at: Ids = np.empty(0, np.int64)
        self._has_columns = False
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Dimension of the vectors."""
        return self.head.dimension

    @property
    def count(self) -> int:
        """How many vectors the segment holds."""
        return self.head.count

    @property
    def nbytes(self) -> int:
        """Memory that the segment takes now."""
        columns = 16 * self.head.count if self._has_columns else 8 * self._filled_rows
        scanned = self._filled_rows * (self.head.coder.code_size + 8)
        return self.head.nbytes + self.vectors.nbytes + scanned + columns

    def missing_columns(self) -> bool:
        """Tell whether a filter needs the image ids and times of all rows first."""
        return not self._has_columns

    def take_columns(self, image_ids: Ids, taken_at: Ids) -> None:
        """Take in the image ids and times of all rows."""
        with self._lock:
            self._image_ids, self._taken_at, self._has_columns = image_ids, taken_at, True

    def rows(self, matching: Matching | None) -> Ids:
        """Return all rows that may be found, once the columns are there."""
        if matching is None:
            return np.arange(self.count)
        return np.flatnonzero(matching(self._image_ids, self._taken_at))

    def image_ids(self, rows: Ids) -> Ids:
        """Return the image ids of rows whose lists, or columns, are there."""
        return self._image_ids[rows]

    def row_of(self, image_id: int) -> int | None:
        """Return the row of an image among those whose lists, or columns, are there; None without one."""
        for row in np.flatnonzero(self._image_ids == image_id).tolist():
            # The ids of lists that are not there are zeros, and 0 is an id, too.
            if self._has_columns or self._filled[np.searchsorted(self.head.ends, row, side="right")]:
                return int(row)
        return None

    def probe(
        self, query: Vectors, wanted: int, effort: Effort, masked: Ids, matching: Matching | None
    ) -> Probe:
        """Choose the lists to scan; with a filter, once the columns are there.

        A filtered search scans those that hold matching images, at least `effort.lists` of them, until they
        hold some thousands: then a rare match is found wherever it lies.
        """
        coder = self.head.coder
        rotated = _products(coder.rotation, query)
        inner = _products(coder.centroids, rotated[: coder.centroids.shape[1]])
        projected = rotated[: len(coder.levels)].copy()
        if matching is None:
            return Probe(query, projected, _best(inner, effort.lists), inner)
        keep = matching(self._image_ids, self._taken_at)
        if len(masked):
            keep &= ~is_in(self._image_ids, np.unique(masked))
        seen = np.concatenate(([0], np.cumsum(keep)))[np.concatenate(([0], self.head.ends))]
        per_list = np.diff(seen)
        order = np.argsort(-inner)
        order = order[per_list[order] > 0]
        enough = max(_MATCHES, _MATCHES_PER_RESULT * wanted)
        until = int(np.searchsorted(np.cumsum(per_list[order]), enough)) + 1
        return Probe(query, projected, order[: max(until, effort.lists)], inner, keep)

    def missing_lists(self, lists: Ids) -> Ids:
        """Return which lists have to be fetched before they can be scanned, in the same order."""
        return lists[~self._filled[lists]]

    def take_lists(self, blocks: dict[int, memoryview]) -> None:
        """Take in the blocks of lists; ObjectDamaged if one is not what its digest says."""
        read = {number: self.head.read_list(number, block) for number, block in blocks.items()}
        with self._lock:
            for number, (codes, image_ids) in read.items():
                if self._filled[number]:
                    continue
                end = int(self.head.ends[number])
                rows = np.arange(end - len(image_ids), end, dtype=np.int64)
                self._image_ids[rows] = image_ids
                self._fill(number, codes, rows)
                self._filled[number] = True
                self._filled_rows += len(rows)

    def _fill(self, number: int, codes: memoryview, rows: Ids) -> None:
        """Put codes into a list of the FAISS index, in the order in which it scans them."""
        size = self.head.coder.code_size
        padded = np.zeros((-(-len(rows) // _BLOCK), _BLOCK * size), np.uint8)
        padded.reshape(-1)[: len(codes)] = np.frombuffer(codes, np.uint8)
        packed = np.zeros((len(padded), self._blocks.block_size), np.uint8)
        for plain, block in zip(padded, packed, strict=True):
            self._blocks.packer.pack_all(faiss.swig_ptr(plain), faiss.swig_ptr(block))
        self._blocks.add_entries(number, len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(packed.reshape(-1)))

    def candidates(self, probe: Probe, count: int, masked: Ids) -> Ids:
        """Return the rows that look best by their codes, best first, of the lists that are there.

        Parameters
        ----------
        probe : Probe
            The query.
        count : int
            How many rows, at most.
        masked : (m,) int64
            Image ids to leave out.
        """
        lists = probe.lists[self._filled[probe.lists]]
        if not len(lists):
            return np.empty(0, np.int64)
        keep = probe.matching
        if keep is None and len(masked):
            keep = self._unmasked(lists, masked)
        pin_threads()
        # FAISS wraps these constructors after its type hints were made.
        selector = None
        if keep is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(keep, bitorder="little"))  # type: ignore[call-arg,arg-type]
            count = min(count, int(keep.sum()))
            if not count:
                return np.empty(0, np.int64)
        params = faiss.SearchParametersIVF(nprobe=len(lists), sel=selector)  # type: ignore[call-arg]
        inner = np.ascontiguousarray(probe.inner[lists])
        scores, rows = np.empty(count, np.float32), np.empty(count, np.int64)
        arrays = (probe.projected, lists, inner, scores, rows)
        query, *places = (faiss.swig_ptr(array) for array in arrays)
        # FAISS's own wrapper takes no parameters; False: it answers with rows, not with places in lists.
        self._index.search_preassigned_c(1, query, count, *places, False, params)
        found = rows[rows >= 0]
        if len(found) < count:
            # Too few are there; or codes that are all alike, on whose scores FAISS can't agree.
            found = self._rows_of(lists, keep)[:count]
        return found

    def _rows_of(self, lists: Ids, keep: Mask | None) -> Ids:
        """Return the rows of lists, in their order, of those that `keep` leaves."""
        ends, lengths = self.head.ends[lists], self.head.lengths[lists]
        rows = np.concatenate([np.arange(end - n, end) for end, n in zip(ends, lengths, strict=True)])
        return rows if keep is None else rows[keep[rows]]

    def _unmasked(self, lists: Ids, masked: Ids) -> Mask:
        keep = np.zeros(self.head.count, np.bool_)
        rows = self._rows_of(lists, None)
        keep[rows] = ~is_in(self._image_ids[rows], np.unique(masked))
        return keep

    def rank(self, query: Vectors, rows: Ids, vectors: Halves, count: int) -> tuple[Ids, Vectors]:
        """Return the image ids and cosines of the best of some rows, whose vectors are given."""
        pin_threads()
        # FAISS multiplies half-precision numbers as they are, some ten times faster than NumPy converts them.
        index = faiss.IndexScalarQuantizer(
            self.head.dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        stored = np.ascontiguousarray(vectors).view(np.uint8)
        index.add_sa_codes(stored)
        scores, order = index.search(query[np.newaxis], min(count, len(rows)))
        return self._image_ids[rows[order[0]]], np.clip(scores[0], -1.0, 1.0)


def _products(matrix: Vectors, vector: Vectors) -> Vectors:
    """Return the inner products of a (n, d) matrix's rows and a vector, by one thread."""
    products = np.empty(len(matrix), np.float32)
    vector = np.ascontiguousarray(vector)
    places = (faiss.swig_ptr(array) for array in (products, vector, matrix))
    faiss.fvec_inner_products_ny(*places, matrix.shape[1], len(matrix))  # type: ignore[attr-defined]
    return products


def _best(inner: Vectors, count: int) -> npt.NDArray[np.int64]:
    """Return the places of the `count` largest values, the largest first."""
    if count < len(inner):
        some = np.argpartition(-inner, count)[:count]
        return some[np.argsort(-inner[some])]
    return np.argsort(-inner)
