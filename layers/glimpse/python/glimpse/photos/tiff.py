"""Reads the directories of a TIFF: which of its pictures is the main one, and whether it is complete.

TIFF 6.0, 2 and 8; BigTIFF; TIFF/EP and DNG 1.6 for previews and raw sensor data; Adobe's TIFF technical note
1 for SubIFDs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

_MOST_DIRECTORIES = 64
_MOST_ENTRIES = 1024
_MOST_VALUES = 1 << 18

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _ORIENTATION = 254, 255, 256, 257, 262, 274
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _SUB_IFDS, _EXTRA = 273, 279, 324, 325, 330, 338
_COMPRESSION, _SAMPLES = 259, 277
_WANTED = frozenset(
    {
        _SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _ORIENTATION, _STRIPS, _STRIP_BYTES, _TILES,
        _TILE_BYTES, _SUB_IFDS, _EXTRA, _COMPRESSION, _SAMPLES,
    }
)  # fmt: skip
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_WIDTHS = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_UNCOMPRESSED = 1
_OF_SENSORS = frozenset({32803, 34892})  # colour filter array, linear raw
_REDUCED, _MASK = 1, 4
_UNSPECIFIED, ASSOCIATED = 0, 1
_PREVIEW_SHARE = 16  # an unmarked preview has at most a quarter of the picture's width

Values = Mapping[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Directory:
    """One picture of a TIFF.

    Attributes
    ----------
    page
        Its position in the chain of directories, or its parent's.
    sub
        Its position among the parent's SubIFDs; None if it is in the chain itself.
    values
        The values of each tag.
    """

    page: int
    sub: int | None
    values: Values

    def first(self, tag: int, default: int = 0) -> int:
        """Return the first value of a tag."""
        return next(iter(self.values.get(tag, ())), default)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.first(_WIDTH), self.first(_HEIGHT)

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.first(_WIDTH) * self.first(_HEIGHT)

    @property
    def orientation(self) -> int | None:
        """The orientation, as in EXIF; None if not given."""
        return self.first(_ORIENTATION) or None

    @property
    def alpha(self) -> int | None:
        """The kind of transparency in the first extra channel; None if it is not transparency."""
        kind = self.first(_EXTRA)
        return kind if kind != _UNSPECIFIED else None

    @property
    def is_reduced(self) -> bool:
        """Whether it is marked as a reduced version of another picture."""
        return bool(self.first(_SUBFILE) & _REDUCED) or self.first(_OLD_SUBFILE) == 2

    @property
    def is_mask(self) -> bool:
        """Whether it is marked as a transparency mask of another picture."""
        return bool(self.first(_SUBFILE) & _MASK)

    @property
    def is_of_a_sensor(self) -> bool:
        """Whether it holds raw sensor data instead of colours."""
        return self.first(_PHOTOMETRIC, -1) in _OF_SENSORS

    def missing_share(self, length: int) -> float | None:
        """Return the share of its data beyond the end of a file of `length` bytes; None if unknown.

        A truncated compressed strip or tile counts as missing altogether, since it can't be decoded.
        """
        parts = self._parts
        total = sum(count for _, count in parts)
        if not total:
            return None
        beyond = ((count, max(0, offset + count - length)) for offset, count in parts)
        missing = sum(min(count, over) if self._is_plain else count for count, over in beyond if over)
        return missing / total

    def filled_up(self, data: bytes) -> bytes:
        """Return the file, extended by zeros to the end of uncompressed strips or tiles that begin in it.

        Zeros make up at most half of the result, since a directory may claim anything.
        """
        if not self._is_plain:
            return data
        ends = (offset + count for offset, count in self._parts if offset < len(data))
        lacking = max(ends, default=0) - len(data)
        return data + bytes(lacking) if 0 < lacking <= len(data) else data

    @property
    def _parts(self) -> Sequence[tuple[int, int]]:
        """Offset and length in bytes of each strip or tile; empty if their numbers disagree."""
        offsets = self.values.get(_TILES) or self.values.get(_STRIPS) or ()
        counts = self.values.get(_TILE_BYTES) or self.values.get(_STRIP_BYTES) or ()
        return list(zip(offsets, counts, strict=True)) if len(offsets) == len(counts) else ()

    @property
    def _is_plain(self) -> bool:
        return self.first(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED


def directories(data: bytes) -> list[Directory]:
    """Return the readable pictures of a TIFF: those of the chain, each followed by its SubIFDs.

    Parameters
    ----------
    data
        A TIFF or BigTIFF file.
    """
    try:
        reader = _Reader(data)
    except struct.error:  # even the header is truncated
        return []
    return list(islice(_walk(reader), _MOST_DIRECTORIES))


def is_cut(data: bytes) -> bool:
    """Tell whether a TIFF's first directory, or a value that it refers to, lies beyond the end of the file.

    Parameters
    ----------
    data
        A TIFF or BigTIFF file.
    """
    try:
        reader = _Reader(data)
        return any(end > len(data) for end in reader.ends(reader.first))
    except struct.error:
        return True


def is_raw(pictures: Sequence[Directory]) -> bool:
    """Tell whether one of a TIFF's pictures is raw sensor data."""
    return any(picture.is_of_a_sensor for picture in pictures)


def main_picture(pictures: Sequence[Directory]) -> Directory | None:
    """Return the main picture of a TIFF: the first one, or the largest if the first is a preview.

    Some previews are marked as such. Others are recognised by their size: at most a quarter of the width, and
    the same aspect ratio.
    """
    shown = [picture for picture in pictures if picture.pixels and not picture.is_mask]
    if not shown:
        return None
    first = shown[0]
    largest = max(shown, key=lambda picture: (not picture.is_reduced, picture.pixels))
    if first.is_reduced or _is_small_copy(first, largest):
        return largest if largest.pixels > first.pixels else first
    return first


def _is_small_copy(small: Directory, large: Directory) -> bool:
    if small.pixels * _PREVIEW_SHARE > large.pixels:
        return False
    (width, height), (full_width, full_height) = small.size, large.size
    return abs(width * full_height - height * full_width) <= 0.03 * width * full_height


class _Reader:
    """Reads directories in either byte order and offset width; raises struct.error beyond the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.is_big = self.number(2, "H") == 43
        self.first = self.number(8, "Q") if self.is_big else self.number(4, "I")

    def number(self, at: int, code: str) -> int:
        """Read one number; raises struct.error beyond the end."""
        if at > len(self.data):
            raise struct.error(f"{at} lies beyond the end")
        value: int = struct.unpack_from(self.order + code, self.data, at)[0]
        return value

    def directory(self, at: int) -> tuple[dict[int, Sequence[int]], int]:
        """Read the values of one directory, and the offset of the next one (0 if there is none)."""
        count = self.number(at, "Q" if self.is_big else "H")
        entry, head, offset = (20, 8, "Q") if self.is_big else (12, 2, "I")
        values: dict[int, Sequence[int]] = {}
        for index in range(min(count, _MOST_ENTRIES)):
            place = at + head + index * entry
            tag, kind = self.number(place, "H"), self.number(place + 2, "H")
            if tag in _WANTED and kind in _CODES:
                values[tag] = self._values(place + 4, _CODES[kind], offset)
        return values, self.number(at + head + count * entry, offset)

    def ends(self, at: int) -> Iterator[int]:
        """Yield the end offset of each value of one directory; raises struct.error beyond the end."""
        count = self.number(at, "Q" if self.is_big else "H")
        entry, head, offset = (20, 8, "Q") if self.is_big else (12, 2, "I")
        for index in range(min(count, _MOST_ENTRIES)):
            place = at + head + index * entry
            width = _WIDTHS.get(self.number(place + 2, "H"), 1)
            length = self.number(place + 4, offset) * width
            value = place + 4 + struct.calcsize(offset)
            inline = length <= struct.calcsize(offset)
            yield value + struct.calcsize(offset) if inline else self.number(value, offset) + length

    def _values(self, at: int, code: str, offset: str) -> Sequence[int]:
        count = min(self.number(at, offset), _MOST_VALUES)
        width = struct.calcsize(offset)
        inline = count * struct.calcsize(code) <= width
        start = at + width if inline else self.number(at + width, offset)
        fits = (len(self.data) - start) // struct.calcsize(code)
        return (
            struct.unpack_from(f"{self.order}{min(count, fits)}{code}", self.data, start) if fits > 0 else ()
        )


def _walk(reader: _Reader) -> Iterator[Directory]:
    seen: set[int] = set()
    at, page = reader.first, 0
    while at and at not in seen:
        seen.add(at)
        try:
            values, at = reader.directory(at)
        except struct.error:
            return
        yield Directory(page, None, values)
        for place, sub in enumerate(values.get(_SUB_IFDS, ())[:_MOST_DIRECTORIES]):
            try:
                inner, _ = reader.directory(sub)
            except struct.error:
                continue  # the others may be readable
            yield Directory(page, place, inner)
        page += 1
