"""Read an old folder's vectors: a FAISS ``IndexIDMap`` over a flat index, whose ids are image ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from migration.text import is_legible

Vectors = NDArray[np.float32]

_UNIT_TOLERANCE = 1e-3
_MOST_BYTES = 1 << 36


class UnusableIndex(ValueError):
    """A file's vectors can't be used; the message says why, as a clause."""


@dataclass(frozen=True, eq=False)
class OldVectors:
    """The vectors of one folder.

    Attributes
    ----------
    ids
        (n,) int64, ascending and distinct.
    normalized
        How many vectors had to be normalized to unit length.
    unusable
        Ids whose vectors are zero or not finite.
    repeated
        Ids that the file has more than once; the last vector is used, since it was written last.
    """

    ids: NDArray[np.int64]
    _rows: NDArray[np.int64]
    _vectors: Vectors
    normalized: int
    unusable: tuple[int, ...]
    repeated: tuple[int, ...]

    @property
    def dimension(self) -> int:
        """Dimension of the vectors."""
        return int(self._vectors.shape[1])

    def take(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.bool_], Vectors]:
        """Return which of some ids have a vector, and the (m, d) unit vectors of those."""
        if not len(self.ids):
            return np.zeros(len(ids), np.bool_), np.empty((0, self.dimension), np.float32)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        known = self.ids[places] == ids
        vectors = self._vectors[self._rows[places[known]]]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        # A vector of unit length stays bit-identical.
        return known, np.where(np.abs(lengths - 1) > _UNIT_TOLERANCE, vectors / lengths, vectors)


def read_vectors(path: Path) -> OldVectors:
    """Read a folder's FAISS file.

    Raises
    ------
    UnusableIndex
        If it is damaged, or has another type.
    """
    try:
        size = path.stat().st_size
        index = _read(path)
    except (OSError, RuntimeError, MemoryError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise UnusableIndex(f"FAISS can't read it: {reason}") from error
    if not isinstance(index, (faiss.IndexIDMap, faiss.IndexIDMap2)):
        raise UnusableIndex(f"it is an {type(index).__name__} without image ids, not an IndexIDMap")
    flat = faiss.downcast_index(index.index)
    if not isinstance(flat, faiss.IndexFlat):
        raise UnusableIndex(f"its vectors are kept by an {type(flat).__name__}, not by an IndexFlat")
    ids = faiss.vector_to_array(index.id_map).astype(np.int64)
    if (
        flat.d < 1
        or len(ids) != flat.ntotal
        or flat.codes.size() != 4 * flat.d * flat.ntotal
        or size > _MOST_BYTES
    ):
        raise UnusableIndex(f"it is damaged: it claims {flat.ntotal} vectors and {len(ids)} ids")
    vectors = faiss.vector_to_array(flat.codes).view(np.float32).reshape(-1, flat.d)
    return _checked(ids, vectors)


def _read(path: Path) -> Any:  # noqa: ANN401 - FAISS is untyped
    if is_legible(str(path)):
        return faiss.read_index(str(path))
    library: Any = faiss  # its stubs lack this class
    with path.open("rb") as stream:  # FAISS can't open paths that are not UTF-8
        return library.read_index(library.PyCallbackIOReader(stream.read))


def _checked(ids: NDArray[np.int64], vectors: Vectors) -> OldVectors:
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(vectors, axis=1)
    usable = np.isfinite(lengths) & (lengths > 0)
    reversed_ids = ids[::-1]
    distinct, places = np.unique(reversed_ids, return_index=True)
    rows = len(ids) - 1 - places  # the last of each
    values, counts = np.unique(ids, return_counts=True)
    kept = usable[rows]
    off = np.abs(lengths[rows[kept]] - 1) > _UNIT_TOLERANCE
    return OldVectors(
        ids=distinct[kept],
        _rows=rows[kept],
        _vectors=vectors,
        normalized=int(off.sum()),
        unusable=tuple(distinct[~kept].tolist()),
        repeated=tuple(values[counts > 1].tolist()),
    )
