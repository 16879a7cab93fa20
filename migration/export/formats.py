"""A folder's vectors as a file that other programs read: plain FAISS, NumPy's NPZ, or Parquet."""

import importlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import faiss
import numpy as np
from glimpse.index import VectorBatch, instants
from glimpse.photos import TAKEN_AT_UNKNOWN
from numpy.typing import NDArray

from deployment.errors import UserError


class Format(StrEnum):
    """A file format."""

    FAISS = "faiss"
    NPZ = "npz"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a file.

    Attributes
    ----------
    count, dimension
        The number and the dimension of the vectors.
    batches
        Image ids, unit vectors and times; each image occurs once.
    names
        File names by image id; images of other backends have none.
    """

    count: int
    dimension: int
    batches: Iterator[VectorBatch]
    names: Mapping[int, str]


def write(contents: Contents, path: Path, format_: Format) -> None:
    """Write a file; it gets its name only when it is complete.

    Raises
    ------
    UserError
        If a library is missing, or the file can't be written.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        _WRITERS[format_](contents, partial)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_faiss(contents: Contents, path: Path) -> None:
    """Write an ``IndexIDMap`` over an ``IndexFlatIP``, filled in place: the vectors are in memory once."""
    flat = faiss.IndexFlatIP(contents.dimension)
    index = faiss.IndexIDMap(flat)
    flat.codes.resize(4 * contents.dimension * contents.count)
    index.id_map.resize(contents.count)
    flat.ntotal = index.ntotal = contents.count
    if contents.count:
        size = contents.count * contents.dimension
        vectors = faiss.rev_swig_ptr(flat.get_xb(), size).reshape(contents.count, contents.dimension)
        ids = faiss.rev_swig_ptr(index.id_map.data(), contents.count)
        start = 0
        for batch in contents.batches:
            end = start + len(batch)
            vectors[start:end], ids[start:end] = batch.vectors, batch.image_ids
            start = end
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        raise UserError(f"FAISS could not write {path}: {error}.") from error


def _write_npz(contents: Contents, path: Path) -> None:
    """Write ``vectors``, ``image_ids``, ``taken_at`` and ``names``, the vectors as they come."""
    ids, times = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("vectors.npy", "w", force_zip64=True) as stream:
            _write_head(stream, (contents.count, contents.dimension))
            for batch in contents.batches:
                stream.write(batch.vectors.astype("<f4").tobytes())
                ids.append(batch.image_ids)
                times.append(instants(batch.taken_at))
        image_ids = np.concatenate(ids)
        columns: dict[str, NDArray[Any]] = {
            "image_ids": image_ids,
            "taken_at": np.concatenate(times),
            "names": np.array([contents.names.get(image_id, "") for image_id in image_ids.tolist()], np.str_),
        }
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, column, allow_pickle=False)


def _write_head(stream: IO[bytes], shape: tuple[int, int]) -> None:
    head = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, head)


def _write_parquet(contents: Contents, path: Path) -> None:
    """Write columns ``image_id``, ``name``, ``taken_at`` and ``vector``, a row group per batch."""
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UserError(
            "Parquet needs the package pyarrow; run `.venv/bin/pip install pyarrow`, or choose --format npz."
        ) from error
    schema = arrow.schema(
        {
            "image_id": arrow.int64(),
            "name": arrow.string(),
            "taken_at": arrow.timestamp("s", tz="UTC"),
            "vector": arrow.list_(arrow.float32(), contents.dimension),
        }
    )
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in contents.batches:
            vectors = arrow.FixedSizeListArray.from_arrays(batch.vectors.ravel(), contents.dimension)
            names = [contents.names.get(image_id) for image_id in batch.image_ids.tolist()]
            unknown = batch.taken_at == TAKEN_AT_UNKNOWN
            times = arrow.array(instants(batch.taken_at), arrow.int64(), mask=unknown).cast(
                schema.field("taken_at").type
            )
            columns = [arrow.array(batch.image_ids), arrow.array(names, arrow.string()), times, vectors]
            writer.write_table(arrow.table(columns, schema=schema))


_WRITERS: dict[Format, Callable[[Contents, Path], None]] = {
    Format.FAISS: _write_faiss,
    Format.NPZ: _write_npz,
    Format.PARQUET: _write_parquet,
}
