"""Inverted (IVF) segments: a query reads a few posting lists and a few vectors by byte range.

The kind is ``inverted``. The header adds ``count`` n, ``dimension`` d, ``space_id``, ``lists`` L,
``image_ids_digest`` and ``taken_at_digest`` (BLAKE2b of these sections, 8 bytes in hex), and ``promises`` of
recall, which earlier versions did not write. Rows are numbered list by list, and within a list by ascending
image id. The sections, in order:

==================  ==================================================================================
``rotation``        E · d half-precision floats: the leading directions
``centroids``       L · C/2 bytes, C ≤ E, even: the lists' centroids in the first C rotated coordinates, four
                    bits each; the even coordinate in a byte's low bits, the next in its high bits
``centroid_scale``  2 · C floats: coordinate c is ``first[c] + second[c] · bits``; the centroid is then
                    normalised to unit length
``levels``          D · 16 floats, D ≤ E, even: the values that the four bits of the first D rotated
                    coordinates stand for
``directory``       per list: its length as uint32, and a BLAKE2b digest (8 bytes) of its block
``lists``           per list, one block: the codes of the residuals (D/2 bytes each; the even coordinate in
                    the low four bits, the next in the high bits), then the image ids as in the next section
``image_ids``       int64 per row: a contiguous copy, for searches with a filter
``taken_at``        int64 per row, as :mod:`~glimpse.index.format.capture_times` packs it
``vectors``         per row: d half-precision floats, unrotated, and their CRC-32 as uint32
==================  ==================================================================================

All numbers are little-endian. Everything before ``lists`` is the *head*, which a reader fetches in one
request. The manifest gives its length and SHA-256 as ``head_bytes`` and ``head_sha256``.
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
    """The decoded head of a segment.

    Attributes
    ----------
    count, dimension : int
        Number and dimension of the vectors.
    coder : Coder
        Encodes and decodes them.
    ends : (L,) int64
        For each list, the row after its last.
    promises : tuple of RecallPromise
        The promises, by ascending recall; empty if an earlier version wrote the segment.
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
        """Decode the head of a segment of `size` bytes, given its head or the whole object.

        Raises
        ------
        ObjectUnsupported, ObjectDamaged
            If it is of another kind or a later version, or does not match its header.
        ObjectForeign
            If it belongs to another embedding space.
        """
        names = (*pq.SECTIONS, "directory", *_BODY)
        layout = container.lay_out(head, size, INVERTED.name, INVERTED.format_version, names)
        if layout.header.get("space_id") != space_id:
            raise ObjectForeign(f"it belongs to the embedding space {layout.header.get('space_id')!r}")
        count, dimension, lists = (_positive(layout.header, name) for name in ("count", "dimension", "lists"))
        at_hand = {}
        for name in (*pq.SECTIONS, "directory"):
            place = layout.places[name]
            if place.end > len(head):
                raise ObjectDamaged(f"its section {name!r} lies outside its head")
            at_hand[name] = memoryview(head)[place.start : place.end]
        coder = Coder.from_sections(at_hand, dimension, lists)
        if len(at_hand["directory"]) != lists * DIRECTORY.itemsize:
            raise ObjectDamaged("its directory does not match its number of lists")
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
        """Return the promise for a recall, or for the highest one promised; None if there are no promises."""
        for promise in self.promises:
            if promise.recall >= recall:
                return promise
        return self.promises[-1] if self.promises else None

    @property
    def lengths(self) -> Ids:
        """(L,) int64: the number of rows in each list."""
        return np.diff(self.ends, prepend=0)

    @property
    def record_size(self) -> int:
        """Size of a stored vector with its checksum, in bytes."""
        return 2 * self.dimension + TRAILER

    @property
    def nbytes(self) -> int:
        """Memory in use, in bytes."""
        coder = self.coder
        arrays = (coder.rotation, coder.centroids, coder.levels, self.ends, self._digests)
        return sum(array.nbytes for array in arrays)

    def list_span(self, number: int) -> ByteRange:
        """Return the byte range of a list's block."""
        start = int(self.ends[number - 1]) if number else 0
        return self._part("lists", start, int(self.ends[number]), self.coder.code_size + _ID)

    def column_spans(self) -> list[ByteRange]:
        """Return the byte ranges of the image ids and the capture times of all rows."""
        return [self._places[name] for name in COLUMNS]

    def record_span(self, first: int, last: int) -> ByteRange:
        """Return the byte range of the vectors of rows `first` to `last`, exclusive."""
        return self._part("vectors", first, last, self.record_size)

    def read_list(self, number: int, data: memoryview) -> tuple[memoryview, Ids]:
        """Return the codes and image ids of a list; raise ObjectDamaged if `data` is not its block."""
        if digest(data) != self._digests[number].tobytes():
            raise ObjectDamaged(f"its list {number} is truncated or altered")
        length = self.list_span(number).length // (self.coder.code_size + _ID)
        codes_end = length * self.coder.code_size
        return data[:codes_end], read_int64(data[codes_end:], length)

    def read_columns(self, columns: Sequence[memoryview]) -> tuple[Ids, Ids]:
        """Return the image ids and capture times of all rows; raise ObjectDamaged on a wrong digest."""
        for name, stored, column in zip(COLUMNS, self._column_digests, columns, strict=True):
            if digest(column).hex() != stored:
                raise ObjectDamaged(f"its section {name!r} is altered")
        image_ids, taken_at = (read_int64(column, self.count) for column in columns)
        return image_ids, taken_at

    def read_records(self, data: memoryview) -> Halves:
        """Return the (m, d) float16 vectors of consecutive rows; raise ObjectDamaged on a wrong checksum."""
        if len(data) % self.record_size:
            raise ObjectDamaged("it is truncated inside its vectors")
        records = np.frombuffer(data, np.uint8).reshape(-1, self.record_size)
        for record in records:
            if zlib.crc32(record[:-TRAILER].data) != int.from_bytes(record[-TRAILER:].tobytes(), "little"):
                raise ObjectDamaged("a vector does not match its checksum")
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
                raise ObjectDamaged(f"its section {name!r} does not match the count in its header")


def decode_batch(data: bytes, space_id: str) -> VectorBatch:
    """Return every vector of a segment, as stored; raise a FormatError if it can't be read."""
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
        raise ObjectDamaged(f"its vectors are invalid: {error}") from error


def head_fields(data: Data) -> dict[str, Any]:
    """Return the manifest fields that describe a segment's head."""
    layout = container.lay_out(data, len(data), INVERTED.name, INVERTED.format_version, ("lists",))
    length = layout.places["lists"].start
    return {"head_bytes": length, "head_sha256": hashlib.sha256(data[:length]).hexdigest()}


def head_in(entry: ObjectEntry) -> tuple[int, str] | None:
    """Return the length and SHA-256 of a segment's head, or None if its manifest entry lacks them."""
    extra = entry.model_extra or {}
    length, sha256 = extra.get("head_bytes"), extra.get("head_sha256")
    if type(length) is not int or not 0 < length <= entry.bytes or not isinstance(sha256, str):
        return None
    return (length, sha256) if _SHA256.fullmatch(sha256) else None


def _positive(header: Mapping[str, Any], name: str) -> int:
    number = header.get(name)
    if type(number) is not int or number < 1:
        raise ObjectDamaged(f"its header has no valid {name}")
    return number


def _promises(header: Mapping[str, Any]) -> tuple[RecallPromise, ...]:
    stated = header.get("promises", [])
    try:
        promises = [RecallPromise(float(p["recall"]), int(p["lists"]), int(p["candidates"])) for p in stated]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ObjectDamaged(f"its header has malformed promises: {error!r}") from error
    if not all(0 < p.recall <= 1 and p.lists > 0 and p.candidates > 0 for p in promises):
        raise ObjectDamaged("its header has impossible promises")
    return tuple(sorted(promises, key=lambda promise: promise.recall))


def digest(block: bytes | memoryview) -> bytes:
    """Return the 8-byte BLAKE2b digest that verifies a list or a column."""
    return hashlib.blake2b(block, digest_size=8).digest()


def _cut(data: memoryview, span: ByteRange) -> memoryview:
    return data[span.start : span.end]
