"""An inverted segment in memory: as many of its lists and vectors as searches have read so far."""

import threading
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from glimpse.index.read.filters import is_in
from glimpse.index.read.stages import DEEP_MATCHES, FIRST_MATCHES
from glimpse.index.segments.effort import Effort
from glimpse.index.segments.fast_scan import Scanner
from glimpse.index.segments.flat import Matching, best_by, pin_threads
from glimpse.index.segments.ivf import Head
from glimpse.index.store.vector_files import VectorFile
from glimpse.index.vectors import Halves, Ids, Mask, Vectors


@dataclass(eq=False, slots=True)
class Probe:
    """One query on its way through a segment.

    Attributes
    ----------
    lists : (m,) int64
        Lists in the order of their promise, those to scan first; how many of them depends on the depth.
    first, deep : int
        How many of them the first stage scans, and how many the later ones.
    holding : int
        How many lists hold what may be found, in all.
    keep : (n,) bool, optional
        Which rows may be found.
    """

    query: Vectors
    projected: Vectors
    inner: Vectors
    lists: Ids
    first: int
    deep: int
    holding: int
    keep: Mask | None = None

    def cut(self, count: int) -> None:
        """Scan `count` lists at most."""
        self.first, self.deep = min(self.first, count), min(self.deep, count)


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
        self._scanner = Scanner(head.coder, head.ends)
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
            if self._has_columns or self._scanner.filled[np.searchsorted(self.head.ends, row, side="right")]:
                return int(row)
        return None

    def probe(self, query: Vectors, effort: Effort, masked: Ids, matching: Matching | None) -> Probe:
        """Choose the lists to scan; with a filter, once the columns are there.

        A filtered search scans those that hold matching images, at least `effort.lists` of them, until they
        hold some thousands: then a rare match is found wherever it lies. Its later stages scan more.
        """
        coder = self.head.coder
        rotated = _products(coder.rotation, query)
        inner = _products(coder.centroids, rotated[: coder.centroids.shape[1]])
        projected = rotated[: len(coder.levels)].copy()
        if matching is None:
            some = _best(inner, effort.lists)
            return Probe(query, projected, inner, some, len(some), len(some), len(inner))
        keep = matching(self._image_ids, self._taken_at)
        if len(masked):
            keep &= ~is_in(self._image_ids, np.unique(masked))
        seen = np.concatenate(([0], np.cumsum(keep)))[np.concatenate(([0], self.head.ends))]
        per_list = np.diff(seen)
        order = np.argsort(-inner, kind="stable")
        order = order[per_list[order] > 0]
        until = np.cumsum(per_list[order])
        first, deep = (
            max(effort.lists, int(np.searchsorted(until, enough)) + 1)
            for enough in (FIRST_MATCHES, DEEP_MATCHES)
        )
        return Probe(query, projected, inner, order[:deep], first, deep, len(order), keep)

    def missing_lists(self, lists: Ids) -> npt.NDArray[np.int64]:
        """Return the places of those of some lists that have to be fetched before they can be scanned."""
        return np.flatnonzero(~self._scanner.filled[lists])

    def take_lists(self, blocks: dict[int, memoryview]) -> None:
        """Take in the blocks of lists; ObjectDamaged if one is not what its digest says."""
        read = {number: self.head.read_list(number, block) for number, block in blocks.items()}
        with self._lock:
            for number, (codes, image_ids) in read.items():
                if self._scanner.filled[number]:
                    continue
                end = int(self.head.ends[number])
                self._image_ids[end - len(image_ids) : end] = image_ids
                self._scanner.fill(number, codes)
                self._filled_rows += len(image_ids)

    def candidates(self, probe: Probe, lists: int, count: int, masked: Ids) -> Ids:
        """Return the rows that look best by their codes, best first.

        Parameters
        ----------
        probe : Probe
            The query.
        lists : int
            How many of its lists to scan, all of which are there.
        count : int
            How many rows, at most.
        masked : (m,) int64
            Image ids to leave out.
        """
        chosen = probe.lists[:lists]
        keep = probe.keep
        if keep is None and len(masked) and len(chosen):
            keep = np.zeros(self.head.count, np.bool_)
            rows = self._scanner.rows_of(chosen, None)
            keep[rows] = ~is_in(self._image_ids[rows], np.unique(masked))
        elif keep is not None and lists < len(probe.lists):
            keep = self._within(keep, chosen)
        return self._scanner.best(probe.projected, chosen, probe.inner[chosen], count, keep)

    def _within(self, keep: Mask, lists: Ids) -> Mask:
        """Return which rows of some lists `keep` leaves."""
        rows = self._scanner.rows_of(lists, keep)
        within = np.zeros(self.head.count, np.bool_)
        within[rows] = True
        return within

    def rank(self, query: Vectors, rows: Ids, vectors: Halves, count: int) -> tuple[Ids, Vectors]:
        """Return the image ids and cosines of the best of some rows, whose vectors are given.

        They come best first, and where cosines are equal by image id.
        """
        if not len(rows):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        pin_threads()
        # FAISS multiplies half-precision numbers as they are, some ten times faster than NumPy converts them.
        index = faiss.IndexScalarQuantizer(
            self.head.dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        stored = np.ascontiguousarray(vectors).view(np.uint8)
        index.add_sa_codes(stored)
        return best_by(index, query, count, self._image_ids[rows])


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
