"""An inverted segment in memory, with the lists and vectors that searches have read so far."""

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
    """A query's probe of a segment: the lists to scan, best first.

    Attributes
    ----------
    query : (d,) float32
        The query.
    projected : (D,) float32
        Its coded coordinates.
    inner : (L,) float32
        Its inner products with the lists' centroids.
    lists : (m,) int64
        Lists to scan, by descending inner product.
    first, deep : int
        How many of them the first stage scans, and how many the later stages scan.
    holding : int
        Total number of lists that hold findable images.
    keep : (n,) bool, optional
        The rows that may be found.
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
        """Scan at most `count` lists."""
        self.first, self.deep = min(self.first, count), min(self.deep, count)


class InvertedSegment:
    """An inverted segment whose lists are loaded on demand. Thread-safe.

    Parameters
    ----------
    head : Head
        The segment's head.
    vectors : VectorFile
        Caches the vectors that were read.
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
        """Number of vectors."""
        return self.head.count

    @property
    def nbytes(self) -> int:
        """Memory in use now, in bytes."""
        columns = 16 * self.head.count if self._has_columns else 8 * self._filled_rows
        scanned = self._filled_rows * (self.head.coder.code_size + 8)
        return self.head.nbytes + self.vectors.nbytes + scanned + columns

    def missing_columns(self) -> bool:
        """Tell whether the image ids and capture times of all rows, which filters need, are still missing."""
        return not self._has_columns

    def take_columns(self, image_ids: Ids, taken_at: Ids) -> None:
        """Store the image ids and capture times of all rows: (n,) int64 each."""
        with self._lock:
            self._image_ids, self._taken_at, self._has_columns = image_ids, taken_at, True

    def rows(self, matching: Matching | None) -> Ids:
        """Return all rows that may be found; with a filter, the columns must be loaded."""
        if matching is None:
            return np.arange(self.count)
        return np.flatnonzero(matching(self._image_ids, self._taken_at))

    def image_ids(self, rows: Ids) -> Ids:
        """Return the image ids of rows whose lists, or the columns, are loaded."""
        return self._image_ids[rows]

    def row_of(self, image_id: int) -> int | None:
        """Return the row of an image among the loaded lists or columns, or None if it is not in them."""
        for row in np.flatnonzero(self._image_ids == image_id).tolist():
            # Lists that are not loaded have zeros for ids, and 0 is a valid id.
            if self._has_columns or self._scanner.filled[np.searchsorted(self.head.ends, row, side="right")]:
                return int(row)
        return None

    def probe(self, query: Vectors, effort: Effort, masked: Ids, matching: Matching | None) -> Probe:
        """Choose the lists to scan; with a filter, the columns must be loaded.

        A filtered search scans only lists with matching images: at least `effort.lists` of them, and enough
        to hold some thousands of matches. So it finds a rare match in any list. Its later stages scan more.
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
        """Return the positions in `lists` of the lists that must be fetched before they can be scanned."""
        return np.flatnonzero(~self._scanner.filled[lists])

    def take_lists(self, blocks: dict[int, memoryview]) -> None:
        """Load the blocks of lists, by list number; raise ObjectDamaged if one does not match its digest."""
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
        """Return the rows with the best approximate scores, best first: (k,) int64.

        Parameters
        ----------
        probe : Probe
            The query's probe.
        lists : int
            How many of its lists to scan; they must be loaded.
        count : int
            Maximum number of rows.
        masked : (m,) int64
            Image ids to exclude.
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
        """Return `keep` restricted to the rows of some lists."""
        rows = self._scanner.rows_of(lists, keep)
        within = np.zeros(self.head.count, np.bool_)
        within[rows] = True
        return within

    def rank(self, query: Vectors, rows: Ids, vectors: Halves, count: int) -> tuple[Ids, Vectors]:
        """Return the image ids and cosines of the best of some rows, given their (k, d) vectors.

        They come best first; ties are broken by image id.
        """
        if not len(rows):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        pin_threads()
        # FAISS computes in half precision directly, about ten times faster than NumPy even converts it.
        index = faiss.IndexScalarQuantizer(
            self.head.dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        stored = np.ascontiguousarray(vectors).view(np.uint8)
        index.add_sa_codes(stored)
        return best_by(index, query, count, self._image_ids[rows])


def _products(matrix: Vectors, vector: Vectors) -> Vectors:
    """Return the (n,) inner products of a (n, d) matrix's rows with a vector, on one thread."""
    products = np.empty(len(matrix), np.float32)
    vector = np.ascontiguousarray(vector)
    places = (faiss.swig_ptr(array) for array in (products, vector, matrix))
    faiss.fvec_inner_products_ny(*places, matrix.shape[1], len(matrix))  # type: ignore[attr-defined]
    return products


def _best(inner: Vectors, count: int) -> npt.NDArray[np.int64]:
    """Return the positions of the `count` largest values, largest first."""
    if count < len(inner):
        some = np.argpartition(-inner, count)[:count]
        return some[np.argsort(-inner[some])]
    return np.argsort(-inner)
