"""Flat segments: half-precision vectors, scanned exhaustively.

The kind is ``flat``. The header adds ``count``, ``dimension`` and ``space_id``. The sections are:

============  ========================================================================================
``faiss``     a FAISS index of `count` rows, metric inner product: ``IndexScalarQuantizer``, ``QT_fp16``
``image_ids`` int64 little-endian, one per row, strictly ascending
``taken_at``  int64 little-endian, one per row, as :mod:`~glimpse.index.format.capture_times` packs it
============  ========================================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from glimpse.index.errors import ObjectDamaged, ObjectForeign
from glimpse.index.format import container
from glimpse.index.format.columns import read_ids, read_int64
from glimpse.index.format.segment_kinds import FLAT
from glimpse.index.vectors import Ids, VectorRows, Vectors

Matching = Callable[[Ids, Ids], npt.NDArray[np.bool_]]
"""Takes (n,) image ids and packed capture times, and returns which of them a search may find: (n,) bool."""

_SECTIONS = ("faiss", "image_ids", "taken_at")
_TIES = 16
"""Extra results to ask FAISS for, to see whether the last wanted one is tied."""


def encode(rows: VectorRows, space_id: str) -> bytes:
    """Return the segment that holds `rows`."""
    order = np.argsort(rows.image_ids)
    pin_threads()
    index = faiss.IndexScalarQuantizer(
        rows.dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.add(rows.take(order))
    return container.encode(
        FLAT.name,
        FLAT.format_version,
        {"count": len(rows), "dimension": rows.dimension, "space_id": space_id},
        {
            "faiss": faiss.serialize_index(index).tobytes(),
            "image_ids": rows.image_ids[order].astype("<i8").tobytes(),
            "taken_at": rows.taken_at[order].astype("<i8").tobytes(),
        },
    )


@dataclass(frozen=True, eq=False)
class FlatSegment:
    """A segment in memory.

    Attributes
    ----------
    image_ids : (n,) int64
        Strictly ascending.
    taken_at : (n,) int64
        As :mod:`~glimpse.index.format.capture_times` packs it.
    """

    image_ids: Ids
    taken_at: Ids
    _index: Any

    @classmethod
    def decode(cls, data: bytes, space_id: str) -> Self:
        """Open a segment.

        Raises
        ------
        ObjectUnsupported, ObjectDamaged
            If it is of another kind or a later version, or does not match its header.
        ObjectForeign
            If it belongs to another embedding space.
        """
        opened = container.decode(data, FLAT.name, FLAT.format_version, _SECTIONS)
        if opened.header.get("space_id") != space_id:
            raise ObjectForeign(f"it belongs to the embedding space {opened.header.get('space_id')!r}")
        count = opened.header.get("count")
        image_ids = read_ids(opened.sections["image_ids"], count)
        taken_at = read_int64(opened.sections["taken_at"], count)
        try:
            index = faiss.deserialize_index(np.frombuffer(opened.sections["faiss"], dtype=np.uint8))
        except RuntimeError as error:
            raise ObjectDamaged(f"FAISS can't read its vectors: {error}") from error
        if index.ntotal != count or index.d != opened.header.get("dimension"):
            raise ObjectDamaged(
                f"it holds {index.ntotal} vectors of dimension {index.d}, which contradicts its header"
            )
        if index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise ObjectDamaged("its FAISS index does not use the inner product")
        return cls(image_ids, taken_at, index)

    @property
    def count(self) -> int:
        """Number of vectors."""
        return len(self.image_ids)

    @property
    def dimension(self) -> int:
        """Dimension of the vectors."""
        return int(self._index.d)

    @property
    def nbytes(self) -> int:
        """Memory in use, in bytes."""
        codes = int(self._index.sa_code_size()) * len(self.image_ids)
        return codes + self.image_ids.nbytes + self.taken_at.nbytes

    def vectors(self) -> Vectors:
        """Return the (n, d) float32 vectors in the order of `image_ids`, rounded to half precision."""
        if not len(self.image_ids):
            return np.empty((0, self.dimension), np.float32)
        vectors: Vectors = self._index.reconstruct_n(0, len(self.image_ids))
        return vectors

    def vector(self, image_id: int) -> Vectors | None:
        """Return an image's (d,) float32 vector, rounded to half precision, or None if it is not here."""
        row = int(np.searchsorted(self.image_ids, image_id))
        if row == len(self.image_ids) or self.image_ids[row] != image_id:
            return None
        vector: Vectors = self._index.reconstruct(row)
        return vector

    def search(
        self, vector: Vectors, top_k: int, masked: Ids, matching: Matching | None = None
    ) -> tuple[Ids, Vectors]:
        """Return the images nearest to a unit vector, best first.

        Parameters
        ----------
        vector : (d,) float32
            The query, of unit length.
        top_k : int
            Maximum number of results.
        masked : (m,) int64
            Image ids to exclude, in any order; the segment need not hold them.
        matching : Matching, optional
            Decides by image id and capture time which images may be found.

        Returns
        -------
        (k,) int64 and (k,) float32
            Image ids and cosines, k ≤ top_k.
        """
        keep = self._findable(masked, matching)
        remaining = len(self.image_ids) if keep is None else int(keep.sum())
        wanted = min(top_k, remaining)
        if not wanted:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        pin_threads()
        return best_by(self._index, vector, wanted, self.image_ids, remaining, _selecting(keep))

    def sample(
        self, vector: Vectors, most: int, masked: Ids, matching: Matching | None = None
    ) -> tuple[Vectors, int]:
        """Return the cosines of up to `most` evenly spread visible images, and the number of visible ones."""
        keep = self._findable(masked, matching)
        rows = np.arange(len(self.image_ids)) if keep is None else np.flatnonzero(keep)
        if not len(rows):
            return np.empty(0, np.float32), 0
        some = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]
        chosen = np.zeros(len(self.image_ids), np.bool_)
        chosen[some] = True
        pin_threads()
        scores, _ = self._index.search(vector[np.newaxis], len(some), params=_selecting(chosen))
        return scores[0], len(rows)

    def _findable(self, masked: Ids, matching: Matching | None) -> npt.NDArray[np.bool_] | None:
        """Return which rows may be found, (n,) bool, or None if all may."""
        keep = self._unmasked(masked)
        if matching is not None:
            fitting = matching(self.image_ids, self.taken_at)
            keep = fitting if keep is None else keep & fitting
        return keep

    def _unmasked(self, masked: Ids) -> npt.NDArray[np.bool_] | None:
        """Return which rows are not masked, (n,) bool, or None if none is masked."""
        if not len(masked):
            return None
        rows = np.searchsorted(self.image_ids, masked)
        rows = np.minimum(rows, len(self.image_ids) - 1)
        rows = rows[self.image_ids[rows] == masked] if len(self.image_ids) else rows[:0]
        if not len(rows):
            return None
        keep = np.ones(len(self.image_ids), dtype=np.bool_)
        keep[rows] = False
        return keep


def best_by(
    index: Any,  # noqa: ANN401 - FAISS has no types
    vector: Vectors,
    count: int,
    image_ids: Ids,
    remaining: int | None = None,
    params: Any = None,  # noqa: ANN401
) -> tuple[Ids, Vectors]:
    """Return the image ids and cosines of the best vectors of a FAISS index, best first.

    Ties are broken by image id, both in the order and in the choice of results. So the first results are the
    same for every `count`.

    Parameters
    ----------
    index : faiss.Index
        An inner-product index.
    vector : (d,) float32
        The query, of unit length.
    count : int
        Maximum number of results.
    image_ids : (n,) int64
        Image ids of the index's rows.
    remaining : int, optional
        Number of rows that `params` selects.
    params : faiss.SearchParameters, optional
        Selects the rows that may be found.

    Returns
    -------
    (k,) int64 and (k,) float32
        Image ids and cosines.
    """
    most = index.ntotal if remaining is None else remaining
    asked = min(count + _TIES, most)
    cosines, rows = index.search(vector[np.newaxis], asked, params=params)
    cosines = np.clip(cosines[0], -1.0, 1.0)
    if count < asked < most and cosines[-1] == cosines[count - 1]:
        cosines, rows = index.search(vector[np.newaxis], most, params=params)
        cosines = np.clip(cosines[0], -1.0, 1.0)
    found = image_ids[rows[0]]
    order = np.lexsort((found, -cosines))[:count]
    return found[order], cosines[order]


def _selecting(keep: npt.NDArray[np.bool_] | None) -> Any:  # noqa: ANN401
    """Return FAISS search parameters that select the rows in `keep`, or None for all rows."""
    if keep is None:
        return None
    # FAISS wraps these two constructors at run time, so its type hints are wrong.
    selector = faiss.IDSelectorBitmap(np.packbits(keep, bitorder="little"))  # type: ignore[call-arg,arg-type]
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]


def pin_threads() -> None:
    """Make FAISS run single-threaded when called from this thread."""
    # OpenMP keeps this setting per thread, and a function's threads are not its own: so set it before each
    # use. Two threads are slower than one here, by orders of magnitude when the cores are shared.
    faiss.omp_set_num_threads(1)
