"""Reads a JPEG's markers: how much memory decoding takes, how far it may be scaled, and what is missing.

Markers: ITU-T T.81, annex B. Data after the end of the image (a video, a depth map, other pictures) is
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_MARGIN = 2
_THUMBNAIL_SIDE = 512
_MAX_SEGMENTS = 1000  # even photos with depth and gain maps in their metadata have only a tenth of that

_SEQUENTIAL = frozenset({0xC0, 0xC1})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC are not frames
_SCAN, _END = 0xDA, 0xD9
_MAX_SCANS = 100  # cameras and editors write 12 at most; each takes 20 ms for the largest picture
# In coded data, 0xFF precedes a stuffed zero or a restart marker. Followed by anything else, it ends the
# scan.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END_OF_IMAGE = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class _Marker:
    code: int
    body: bytes
    start: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What a JPEG's markers tell about its image.

    Attributes
    ----------
    is_baseline
        Whether it can be decoded row by row: sequential Huffman coding, all colours in one scan. For any
        other kind, libjpeg keeps two bytes for every coefficient of the picture, however far it scales.
    scans
        Number of scans; ``_MAX_SCANS`` + 1 stands for more.
    has_end
        Whether the end-of-image marker is there.
    has_all_colours
        Whether the first scan of each colour is complete, so that only details can be missing.
    has_begun_all_colours
        Whether the first scan of each colour has at least begun.
    """

    is_baseline: bool
    scans: int
    has_end: bool
    has_all_colours: bool
    has_begun_all_colours: bool

    @property
    def has_too_many_scans(self) -> bool:
        """Whether decoding could take hours: even a scan of a few bytes traverses the whole picture."""
        return not self.is_baseline and self.scans > _MAX_SCANS


def outline(data: bytes) -> Outline:
    """Read the markers of a JPEG, up to the end of its image.

    Parameters
    ----------
    data
        A JPEG file.
    """
    is_sequential, components, scans, baseline = False, 0, 0, False
    begun: set[int] = set()  # colours whose first scan has begun; `over`: those whose first scan is complete
    over: set[int] = set()
    for marker in _markers(data):
        if scans:
            over |= begun
        if marker.code in _FRAMES and len(marker.body) > 5:
            is_sequential, components = marker.code in _SEQUENTIAL, marker.body[5]
        elif marker.code == _SCAN:
            scans += 1
            colours = _colours_of_first_scan(marker.body)
            begun |= colours
            baseline = (
                scans == 1 and is_sequential and len(marker.body) > 0 and marker.body[0] == components > 0
            )
            if scans > _MAX_SCANS or baseline:
                break
        elif marker.code == _END:
            return Outline(False, scans, True, len(over) >= components > 0, len(begun) >= components > 0)
    has_end = baseline and any(
        marker.code == _END for marker in islice(_markers(data), _MAX_SEGMENTS + scans + 1)
    )
    return Outline(baseline, scans, has_end, len(over) >= components > 0, len(begun) >= components > 0)


def with_end(data: bytes, filling: bytes = b"") -> bytes:
    """Append `filling` and an end-of-image marker to a truncated JPEG, so that decoders make up the rest."""
    return data.rstrip(b"\xff") + filling + _END_OF_IMAGE


def reduction(width: int, height: int, model_side: int) -> int:
    """Return the factor by which a JPEG may be scaled down during decoding: 1, 2, 4 or 8.

    Parameters
    ----------
    width, height
        Size of the JPEG in pixels.
    model_side
        The longer side of the model's input. The shorter side keeps at least twice this, so that the filter
        of the model's own preprocessing still decides what the model sees. Tensors then keep a cosine of
        0.997 even for grass and bricks, but only 0.98 if no scaling is left to that filter. The longer side
        also keeps enough for a thumbnail.
    """
    short, long = sorted((width, height))
    for divisor in (8, 4, 2):
        if short // divisor >= _MARGIN * model_side and long // divisor >= _THUMBNAIL_SIDE:
            return divisor
    return 1


def _markers(data: bytes) -> Iterator[_Marker]:
    """Yield the markers of the image up to its end, except those without a body."""
    at, others = 2, 0
    while others <= _MAX_SEGMENTS:
        found = _NEXT_MARKER.search(data, at)
        if found is None:
            return
        start, code = found.start(), data[found.end() - 1]
        if code == _END:
            yield _Marker(code, b"", start)
            return
        if code in _WITHOUT_LENGTH:
            at = found.end()
            continue
        length = int.from_bytes(data[found.end() : found.end() + 2])
        yield _Marker(code, data[found.end() + 2 : found.end() + length], start)
        at = found.end() + max(2, length)
        others += code != _SCAN


def _colours_of_first_scan(header: bytes) -> set[int]:
    """Return the colours for which a scan is the first: it begins with their DC coefficients."""
    count = header[0] if header else 0
    if len(header) < 1 + 2 * count + 3:
        return set()
    first, approximation = header[1 + 2 * count], header[3 + 2 * count]
    is_first = first == 0 and approximation >> 4 == 0
    return set(header[1 : 1 + 2 * count : 2]) if is_first else set()
