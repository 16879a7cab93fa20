"""Completes truncated files, and measures how much of the picture is missing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from glimpse.file_kinds import FileKind
from glimpse.photos import heif, jpeg, png, tiff
from glimpse.photos.bitmap import bytes_of_pixels
from glimpse.photos.formats import MAX_MISSING

_FILLING_BYTES = 8192
_MOST_GIF_PIXELS = 16_000_000  # counting takes 0.3 µs each if every code is one pixel
_BMP_FILE_HEADER = 14
_GIF_HEAD, _GIF_TRAILER = 13, 0x3B
_GIF_IMAGE, _GIF_EXTENSION = 0x2C, 0x21
_LZW_MOST = 4096

Decode = Callable[[bytes], Image.Image]


@dataclass(frozen=True, slots=True)
class Completed:
    """A truncated or damaged file, completed.

    Attributes
    ----------
    data
        The file, with filling for what was missing.
    missing
        The share of pixels that was missing; 0 if only fine details were.
    is_cut
        Whether the file was truncated. If not, it has its end and is damaged before that.
    """

    data: bytes
    missing: float
    is_cut: bool = True


def completed(data: bytes, kind: FileKind, decode: Decode) -> Completed | None:
    """Complete a truncated or damaged file.

    Parameters
    ----------
    data
        A file whose pixel dimensions have been checked.
    kind
        The file's kind.
    decode
        Decodes a JPEG, at any scale; other kinds do without.

    Returns
    -------
    Completed or None
        None if nothing is missing, or if what is missing can't be determined.
    """
    match kind.decoder:
        case "JPEG":
            return _jpeg(data, decode)
        case "PNG":
            return _png(data)
        case "GIF":
            return _gif(data)
        case "WEBP":
            return _webp(data)
        case "BMP":
            return _bmp(data)
        case _:
            return None


def lacks_end(data: bytes, kind: FileKind) -> bool:
    """Tell from its structure whether a file that can't be decoded is truncated.

    Parameters
    ----------
    data
        The file.
    kind
        The file's kind.
    """
    match kind.decoder:
        case "JPEG":
            return not jpeg.outline(data).has_end
        case "PNG":
            return not png.has_end(data)
        case "GIF":
            is_in_its_head = len(data) <= _GIF_HEAD or len(data) <= _end_of_palette(data)
            return is_in_its_head or not data.rstrip(b"\0").endswith(bytes([_GIF_TRAILER]))
        case "WEBP":
            return len(data) < 8 + int.from_bytes(data[4:8], "little")
        case "BMP":
            return len(data) < _BMP_FILE_HEADER + int.from_bytes(data[14:18].ljust(4, b"\xff"), "little")
        case "TIFF":
            return tiff.is_cut(data)
        case _:
            return heif.is_cut(data)


def _jpeg(data: bytes, decode: Decode) -> Completed | None:
    found = jpeg.outline(data)
    if found.has_end:
        return None
    whole = jpeg.with_end(data)
    if found.has_all_colours:
        return Completed(whole, 0.0)
    if not found.has_begun_all_colours:
        return None
    # Decode with two different fillings: the pictures differ from where the file ends.
    other = jpeg.with_end(data, random.Random(1).randbytes(_FILLING_BYTES).replace(b"\xff", b"\x7f"))  # noqa: S311
    one, two = (np.asarray(decode(each)) for each in (whole, other))
    rows = np.flatnonzero((one != two).reshape(len(one), -1).any(axis=1))
    return Completed(whole, (len(one) - int(rows[0])) / len(one) if len(rows) else 0.0)


def _png(data: bytes) -> Completed | None:
    pixels = png.essential(data)
    filled = png.completed(pixels) if pixels is not None else None
    return None if filled is None else Completed(*filled, is_cut=not png.has_end(data))


def _webp(data: bytes) -> Completed | None:
    """Fill with zeros, which lossy WebP tolerates. The missing share is measured in bytes."""
    wanted = 8 + int.from_bytes(data[4:8], "little")
    if wanted <= len(data):
        return None
    missing = 1 - len(data) / wanted
    return Completed(data if missing > MAX_MISSING else data + bytes(wanted - len(data)), missing)


def _bmp(data: bytes) -> Completed | None:
    start, count = bytes_of_pixels(data)
    missing = start + count - len(data)
    if not 0 < missing <= count:
        return None
    return Completed(data + bytes(missing), missing / count)


def _gif(data: bytes) -> Completed | None:
    """Fill the first frame with zeros: whatever the width of the codes, they stand for the first colour."""
    place = _gif_frame(data)
    if place is None:
        return None
    start, width, height = place
    pixels = width * height
    if not 0 < pixels <= _MOST_GIF_PIXELS or start >= len(data) or not 2 <= data[start] <= 8:
        return None
    blocks = list(_sub_blocks(data, start + 1))
    missing = pixels - _lzw_pixels(b"".join(blocks), data[start], pixels)
    zeros = bytes(missing * 2 + 16)
    coded = b"".join(blocks) + zeros
    parts = [coded[at : at + 255] for at in range(0, len(coded), 255)]
    frame = b"".join(bytes([len(part)]) + part for part in parts)
    whole = data[: start + 1] + frame + bytes([0, _GIF_TRAILER])
    is_cut = start + 1 + sum(1 + len(block) for block in blocks) >= len(data)
    return Completed(whole, missing / pixels, is_cut)


def _gif_frame(data: bytes) -> tuple[int, int, int] | None:
    """Return the offset of the first frame's coded data, and its width and height (GIF89a, 18 to 22)."""
    if len(data) < _GIF_HEAD:
        return None
    at = _end_of_palette(data)
    while at + 10 <= len(data):
        if data[at] == _GIF_IMAGE:
            width, height = (int.from_bytes(data[at + k : at + k + 2], "little") for k in (5, 7))
            flags = data[at + 9]
            return at + 10 + (3 << (flags & 7) + 1 if flags & 0x80 else 0), width, height
        if data[at] != _GIF_EXTENSION:
            return None
        at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return None


def _end_of_palette(data: bytes) -> int:
    return _GIF_HEAD + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)


def _sub_blocks(data: bytes, at: int) -> Iterator[bytes]:
    while at < len(data) and data[at]:
        yield data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def _lzw_pixels(coded: bytes, least: int, wanted: int) -> int:
    """Count the pixels of LZW codes, up to `wanted` (GIF89a, appendix F)."""
    clear = 1 << least
    lengths, previous, pixels = [1] * clear + [0, 0], 0, 0
    width, bits, held = least + 1, 0, 0
    for byte in coded:
        bits |= byte << held
        held += 8
        while held >= width:
            code = bits & (1 << width) - 1
            bits, held = bits >> width, held - width
            if code == clear:
                lengths, previous, width = lengths[: clear + 2], 0, least + 1
                continue
            if code == clear + 1 or code > len(lengths) or (code == len(lengths) and not previous):
                return pixels
            length = lengths[code] if code < len(lengths) else previous + 1
            pixels += length
            if pixels >= wanted:
                return wanted
            if previous and len(lengths) < _LZW_MOST:
                lengths.append(previous + 1)
                width += len(lengths) == 1 << width < _LZW_MOST
            previous = length
    return pixels
