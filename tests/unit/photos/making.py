"""Small pictures of kinds that Pillow does not write."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_TYPES = {"H": 3, "I": 4}


def gradient(width: int = 96, height: int = 64) -> Image.Image:
    """A picture of which no two rows and no two columns are alike."""
    rows, columns = np.mgrid[0:height, 0:width]
    channels = (columns * 255 // width, rows * 255 // height, (columns + rows) * 255 // (width + height))
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes, *, crc: int | None = None) -> bytes:
    """A chunk of a PNG; its check sum may be given."""
    right = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", right if crc is None else crc)


def with_chunk(png: bytes, extra: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    return png[:33] + extra + png[33:]


Tags = Mapping[int, int | Sequence[int]]


def tiff(*pages: tuple[NDArray[Any], Tags], subs: Sequence[tuple[NDArray[Any], Tags]] = ()) -> bytes:
    """A little-endian TIFF of uncompressed strips, eight rows each, with further tags; `subs` of page 0."""
    parts, at = [b"II*\0\0\0\0\0"], 8
    inner = []
    for array, tags in subs:
        body, start = _page(array, tags, at, 0)
        parts.append(body)
        at += len(body)
        inner.append(start)
    links = [4]
    for place, (array, tags) in enumerate(pages):
        own = {**tags, 330: inner} if place == 0 and inner else tags
        body, start = _page(array, own, at, 0)
        parts.append(body)
        at += len(body)
        links.append(start)
    data = bytearray(b"".join(parts))
    for link, start in pairwise(links):
        where = link if link == 4 else link + 2 + 12 * struct.unpack_from("<H", data, link)[0]
        struct.pack_into("<I", data, where, start)
    return bytes(data)


def _page(array: NDArray[Any], tags: Tags, at: int, following: int) -> tuple[bytes, int]:
    """Pixels, values and directory of one page that begins at `at`; and where its directory is."""
    height, width = array.shape[:2]
    samples = 1 if array.ndim == 2 else array.shape[2]
    kind = {"f": 3, "u": 1, "i": 2}[array.dtype.kind]
    strips = [
        array[row : row + 8].astype(array.dtype.newbyteorder("<")).tobytes() for row in range(0, height, 8)
    ]
    offsets = [at + sum(map(len, strips[:place])) for place in range(len(strips))]
    found: dict[int, int | Sequence[int]] = {
        256: width, 257: height, 258: [array.dtype.itemsize * 8] * samples, 259: 1,
        262: 2 if samples > 2 else 1, 273: offsets, 277: samples, 278: 8,
        279: [len(strip) for strip in strips], 339: [kind] * samples, **tags,
    }  # fmt: skip
    pixels = b"".join(strips)
    out, entries = bytearray(pixels), b""
    for tag, value in sorted(found.items()):
        values = [value] if isinstance(value, int) else list(value)
        code = "I" if tag in (273, 279, 330) else "H"
        number = _TYPES[code]
        packed = struct.pack(f"<{len(values)}{code}", *values)
        if len(packed) > 4:
            place = at + len(out)
            out += packed
            packed = struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, number, len(values)) + packed.ljust(4, b"\0")
        start = at + len(out)
    out += struct.pack("<H", len(found)) + entries + struct.pack("<I", following)
    return bytes(out), start


def bmp(
    width: int, height: int, bits: int, pixels: bytes, *, coding: int = 0, masks: Sequence[int] = (),
    palette: bytes = b"", colours: int = 0, header: int = 40,
) -> bytes:  # fmt: skip
    """A BMP under a header of the first version, or as much of it as `header` says."""
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, coding, len(pixels), 0, 0, colours, 0)
    info = (
        (info + bytes(max(0, header - 40)))[:header]
        + b"".join(struct.pack("<I", mask) for mask in masks)
        + palette
    )
    start = 14 + len(info)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + pixels
