"""Builds inverted segments as a stream, from rows that may lie outside memory."""

import zlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from glimpse.index.format import container
from glimpse.index.format.container import Buffer, Section
from glimpse.index.format.segment_kinds import INVERTED
from glimpse.index.segments import pq_training
from glimpse.index.segments.effort import LISTED, RecallPromise
from glimpse.index.segments.ivf import DIRECTORY, TRAILER, digest
from glimpse.index.segments.pq import Coder, Codes
from glimpse.index.segments.pq_training import CHUNK
from glimpse.index.segments.recall_promise import RECALLS, Trial, make_queries
from glimpse.index.vectors import Ids, VectorRows

_LISTS_PER_ROOT = 4
_SEED = 1


def encode(rows: VectorRows, space_id: str) -> Iterator[Buffer]:
    """Yield the bytes of the segment that holds `rows`.

    It keeps the codes and ids in memory, about 130 bytes a row, and the training sample.

    Raises
    ------
    ValueError
        If there are no rows, or they have fewer than two dimensions.
    """
    count = len(rows)
    if not count or rows.dimension < 2:
        raise ValueError("an inverted segment needs at least one vector, of two or more dimensions")
    lists = max(1, min(count, round(_LISTS_PER_ROOT * count**0.5)))
    sections = pq_training.train(rows, lists)
    coder = Coder.from_sections(sections, rows.dimension, lists)
    assigned, codes = _encoded(rows, coder)
    order = np.lexsort((rows.image_ids, assigned))
    codes = codes[order]
    image_ids, taken_at = rows.image_ids[order].astype("<i8"), rows.taken_at[order].astype("<i8")
    lengths = np.bincount(assigned, minlength=lists)
    promised = _promises(rows, order, coder, np.cumsum(lengths), codes)
    directory = np.empty(lists, DIRECTORY)
    directory["length"] = lengths
    for number, block in enumerate(_blocks(codes, image_ids, lengths)):
        directory["digest"][number] = np.void(digest(block))
    columns = {"image_ids": image_ids.tobytes(), "taken_at": taken_at.tobytes()}
    whole = {**sections, "directory": directory.tobytes()}
    header: dict[str, Any] = {
        **{"count": count, "dimension": rows.dimension, "space_id": space_id, "lists": lists},
        **{f"{name}_digest": digest(column).hex() for name, column in columns.items()},
        "promises": [asdict(promise) for promise in promised],
    }
    yield from container.stream(
        INVERTED.name,
        INVERTED.format_version,
        header,
        {
            **{name: _section(data) for name, data in whole.items()},
            "lists": Section(codes.nbytes + image_ids.nbytes, _blocks(codes, image_ids, lengths)),
            **{name: _section(data) for name, data in columns.items()},
            "vectors": Section(count * (2 * rows.dimension + TRAILER), _records(rows, order)),
        },
    )


def _promises(rows: VectorRows, order: Ids, coder: Coder, ends: Ids, codes: Codes) -> list[RecallPromise]:
    """Return the segment's promises. A small one is always searched in full."""
    if len(rows) <= LISTED:
        return [RecallPromise(recall, len(ends), len(rows)) for recall in RECALLS]
    return Trial(coder, ends, codes, make_queries(rows, order, _SEED)).promises()


def _encoded(rows: VectorRows, coder: Coder) -> tuple[Ids, Codes]:
    """Return the list, (n,) int64, and the code, (n, D/2) uint8, of every row."""
    pq_training.use_threads()
    lists = np.empty(len(rows), np.int64)
    codes = np.empty((len(rows), coder.code_size), np.uint8)
    for places in _chunks(np.arange(len(rows))):
        lists[places], codes[places] = coder.encode(rows.take(places))
    return lists, codes


def _blocks(codes: Codes, image_ids: Ids, lengths: Ids) -> Iterator[bytes]:
    """Yield the block of every list."""
    ends = np.cumsum(lengths)
    for start, end in zip(ends - lengths, ends, strict=True):
        yield codes[start:end].tobytes() + image_ids[start:end].tobytes()


def _records(rows: VectorRows, order: Ids) -> Iterator[memoryview]:
    """Yield the vectors with their checksums."""
    size = 2 * rows.dimension
    for places in _chunks(order):
        records: npt.NDArray[np.uint8] = np.empty((len(places), size + TRAILER), np.uint8)
        records[:, :size] = rows.take(places).astype("<f2").view(np.uint8)
        sums = np.fromiter((zlib.crc32(record[:size].data) for record in records), "<u4", len(records))
        records[:, size:] = sums.view(np.uint8).reshape(-1, TRAILER)
        yield records.data.cast("B")


def _chunks(places: Ids) -> Iterator[Ids]:
    return (places[start : start + CHUNK] for start in range(0, len(places), CHUNK))


def _section(data: Buffer) -> Section:
    return Section(memoryview(data).nbytes, (data,))
