"""Inverted segments: many vectors, of which a query reads a few lists and a few vectors by range.

A segment's kind is ``inverted``. Its header adds ``count`` n, ``dimension`` d, ``space_id``, ``lists`` L,
``image_ids_digest`` and ``taken_at_digest``, BLAKE2b of these sections, 8 bytes in hex; and ``promises``, of
recall, which earlier versions did not write. A row is a vector's place: list by list, within a list by
ascending image id. The sections, in their order:

==================  ==================================================================================
``rotation``        E · d half-precision floats: the leading directions
``centroids``       L · C/2 bytes, C ≤ E, even: the lists' centroids in the first C rotated coordinates, four
                    bits each, the even coordinate in the low ones of a byte, the next in the high ones
``centroid_scale``  2 · C floats: coordinate c is ``first[c] + second[c] · bits``; what comes of it is brought
                    to unit length
``levels``          D · 16 floats, D ≤ E, even: what the four bits of the first D rotated coordinates mean
``directory``       per list: its length as uint32, and a BLAKE2b digest (8 bytes) of its block
``lists``           per list one block: its codes (D/2 bytes each: the even coordinate in the low four bits,
                    the next in the high ones; of what the centroid leaves over), then its image ids, as in
                    the next section
``image_ids``       int64 per row, once more in one piece: for searches with a filter
``taken_at``        int64 per row, as :mod:`~glimpse.index.format.capture_times` packs it
``vectors``         per row: d half-precision floats, unrotated, and their CRC-32 as uint32
==================  ==================================================================================

All numbers are little-endian. Everything before ``lists`` is the *head*, which a reader fetches at once; its
length and SHA-256 stand in the manifest as ``head_bytes`` and ``head_sha256``.
"""

import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from glimpse.index.errors import ObjectDamaged, ObjectForeign
from glimpse.index.format import container
from glimpse.index.format.columns import read_int64
from glimpse.index.format.manifest import ObjectEntry
from glimpse.index.format.segment_kinds import INVERTED
from glimpse.index.segments import pq
from glimpse.index.segments.effort import RecallPromise
from glimpse.index.segments.pq import Coder
from glimpse.index.store.byte_ranges import ByteRange
from glimpse.index.store.object_store import Data
from glimpse.index.vectors import Halves, Ids, VectorBatch

DIRECTORY = np.dtype([("length", "<u4"), ("digest", "V8")])
TRAILER = 4
_ID = 8
COLUMNS = ("image_ids", "taken_at")
_BODY = ("lists", *COLUMNS, "vectors")
_CHUNK = 65_536
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class Head:
    """What the head of a segment says.

    Attributes
    ----------
    count, dimension : int
        Of the vectors.
    coder : Coder
        How they are coded.
    ends : (L,) int64
        For each list the row after its last.
    promises : tuple of RecallPromise
        How thoroughly to search it, the lowest recall first; none where it was written by an earlier version.
    """

    count: int
    dimension: int
    coder: Coder
    ends: Ids
    promises: tuple[RecallPromise, ...]
    _digests: npt.NDArray[np.void]
    _column_digests: tuple[object, ...]
    _places: dict[str, ByteRange]

    @classmethod
    def decode(cls, head: bytes, size: int, space_id: str) -> Self:
        """Open a segment by its head, or by the whole object.

        Raises
        ------
        ObjectUnsupported, ObjectDamaged
            If it is of another kind, a later version, or not what its header says.
        ObjectForeign
            If it is of another embedding space.
        """
        names = (*pq.SECTIONS, "directory", *_BODY)
        layout = container.lay_out(head, size, INVERTED.name, INVERTED.format_version, names)
        if layout.header.get("space_id") != space_id:
            raise ObjectForeign(f"it is of the embedding space {layout.header.get('space_id')!r}")
        count, dimension, lists = (_positive(layout.header, name) for name in ("count", "dimension", "lists"))
        at_hand = {}
        for name in (*pq.SECTIONS, "directory"):
            place = layout.places[name]
            if place.end > len(head):
                raise ObjectDamaged(f"its section {name!r} lies outside its head")
            at_hand[name] = memoryview(head)[place.start : place.end]
        coder = Coder.from_sections(at_hand, dimension, lists)
        if len(at_hand["directory"]) != lists * DIRECTORY.itemsize:
            raise ObjectDamaged("its directory does not fit the number of its lists")
        directory = np.frombuffer(at_hand["directory"], DIRECTORY)
        opened = cls(
            count, dimension, coder, np.cumsum(directory["length"], dtype=np.int64),
            _promises(layout.header),
            directory["digest"].copy(), tuple(layout.header.get(f"{name}_digest") for name in COLUMNS),
            dict(layout.places),
        )  # fmt: skip
        opened._check_lengths()
        return opened

    def promise(self, recall: float) -> RecallPromise | None:
        """Return how thoroughly to search the segment for a recall, or for the highest that it promises."""
        for promise in self.promises:
            if promise.recall >= recall:
                return promise
        return self.promises[-1] if self.promises else None

    @property
    def lengths(self) -> Ids:
        """How many rows each list has."""
        return np.diff(self.ends, prepend=0)

    @property
    def record_size(self) -> int:
        """Bytes of a stored vector with its checksum."""
        return 2 * self.dimension + TRAILER

    @property
    def nbytes(self) -> int:
        """Memory that this takes."""
        coder = self.coder
        arrays = (coder.rotation, coder.centroids, coder.levels, self.ends, self._digests)
        return sum(array.nbytes for array in arrays)

    def list_span(self, number: int) -> ByteRange:
        """Return where the block of a list lies."""
        start = int(self.ends[number - 1]) if number else 0
        return self._part("lists", start, int(self.ends[number]), self.coder.code_size + _ID)

    def column_spans(self) -> list[ByteRange]:
        """Return where the image ids and the times of all rows lie."""
        return [self._places[name] for name in COLUMNS]

    def record_span(self, first: int, last: int) -> ByteRange:
        """Return where the vectors of the rows `first` up to `last`, exclusive, lie."""
        return self._part("vectors", first, last, self.record_size)

    def read_list(self, number: int, data: memoryview) -> tuple[memoryview, Ids]:
        """Return the codes and image ids of a list; ObjectDamaged if `data` is not its block."""
        if digest(data) != self._digests[number].tobytes():
            raise ObjectDamaged(f"its list {number} is truncated or altered")
        length = self.list_span(number).length // (self.coder.code_size + _ID)
        codes_end = length * self.coder.code_size
        return data[:codes_end], read_int64(data[codes_end:], length)

    def read_columns(self, columns: Sequence[memoryview]) -> tuple[Ids, Ids]:
        """Return the image ids and times of all rows; ObjectDamaged if a column is not what was written."""
        for name, stored, column in zip(COLUMNS, self._column_digests, columns, strict=True):
            if digest(column).hex() != stored:
                raise ObjectDamaged(f"its section {name!r} is altered")
        image_ids, taken_at = (read_int64(column, self.count) for column in columns)
        return image_ids, taken_at

    def read_records(self, data: memoryview) -> Halves:
        """Return the (m, d) vectors of consecutive rows; ObjectDamaged if `data` is not what was written."""
        if len(data) % self.record_size:
            raise ObjectDamaged("it is truncated inside its vectors")
        records = np.frombuffer(data, np.uint8).reshape(-1, self.record_size)
        for record in records:
            if zlib.crc32(record[:-TRAILER].data) != int.from_bytes(record[-TRAILER:].tobytes(), "little"):
                raise ObjectDamaged("a vector's checksum is not the one stored with it")
        vectors: Halves = np.ascontiguousarray(records[:, :-TRAILER]).view("<f2")
        return vectors

    def _part(self, section: str, first: int, last: int, size: int) -> ByteRange:
        return ByteRange(self._places[section].start + first * size, (last - first) * size)

    def _check_lengths(self) -> None:
        sizes = {
            "lists": self.coder.code_size + _ID,
            "image_ids": 8,
            "taken_at": 8,
            "vectors": self.record_size,
        }
        if self.ends[-1] != self.count:
            raise ObjectDamaged("its lists do not hold as many vectors as its header says")
        for name, size in sizes.items():
            if self._places[name].length != size * self.count:
                raise ObjectDamaged(f"its section {name!r} does not fit the count in its header")


def decode_batch(data: bytes, space_id: str) -> VectorBatch:
    """Return everything that a segment holds, as it was stored; a FormatError if it can't be read."""
    head = Head.decode(data, len(data), space_id)
    view = memoryview(data)
    image_ids, taken_at = head.read_columns([_cut(view, span) for span in head.column_spans()])
    for number, end in enumerate(head.ends.tolist()):
        _, listed = head.read_list(number, _cut(view, head.list_span(number)))
        if not np.array_equal(listed, image_ids[end - len(listed) : end]):
            raise ObjectDamaged(f"its list {number} names other images than its section 'image_ids'")
    vectors = np.empty((head.count, head.dimension), np.float32)
    for start in range(0, head.count, _CHUNK):
        end = min(start + _CHUNK, head.count)
        vectors[start:end] = head.read_records(_cut(view, head.record_span(start, end)))
    try:
        return VectorBatch(image_ids, vectors, taken_at)
    except ValueError as error:
        raise ObjectDamaged(f"what it holds is no batch of vectors: {error}") from error


def head_fields(data: Data) -> dict[str, Any]:
    """Return what a manifest says about a segment's head."""
    layout = container.lay_out(data, len(data), INVERTED.name, INVERTED.format_version, ("lists",))
    length = layout.places["lists"].start
    return {"head_bytes": length, "head_sha256": hashlib.sha256(data[:length]).hexdigest()}


def head_in(entry: ObjectEntry) -> tuple[int, str] | None:
    """Return the length and digest of a segment's head, where its manifest names them."""
    extra = entry.model_extra or {}
    length, sha256 = extra.get("head_bytes"), extra.get("head_sha256")
    if type(length) is not int or not 0 < length <= entry.bytes or not isinstance(sha256, str):
        return None
    return (length, sha256) if _SHA256.fullmatch(sha256) else None


def _positive(header: Mapping[str, Any], name: str) -> int:
    number = header.get(name)
    if type(number) is not int or number < 1:
        raise ObjectDamaged(f"its header does not say what its {name} is")
    return number


def _promises(header: Mapping[str, Any]) -> tuple[RecallPromise, ...]:
    stated = header.get("promises", [])
    try:
        promises = [RecallPromise(float(p["recall"]), int(p["lists"]), int(p["candidates"])) for p in stated]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ObjectDamaged(f"its header does not say what it promises: {error!r}") from error
    if not all(0 < p.recall <= 1 and p.lists > 0 and p.candidates > 0 for p in promises):
        raise ObjectDamaged("its header promises what can't be")
    return tuple(sorted(promises, key=lambda promise: promise.recall))


def digest(block: bytes | memoryview) -> bytes:
    """Return the BLAKE2b digest of 8 bytes that a list or a column is checked against."""
    return hashlib.blake2b(block, digest_size=8).digest()


def _cut(data: memoryview, span: ByteRange) -> memoryview:
    return data[span.start : span.end]
