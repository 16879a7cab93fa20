"""Decodes BMPs that Pillow does not read: unusual bit masks, headers and palettes, and embedded pictures.

Headers of Windows and OS/2: Microsoft's "Bitmap Storage", and the notes of bmpsuite.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.photos.bitmap_runs import unpack

_CORE, _LEAST, _FULL = 12, 16, 40
_OF_OS2 = frozenset({16, 64})  # lengths of OS/2 headers, which number some codings differently
_PLAIN, _RUNS_8, _RUNS_4, _MASKS, _JPEG, _PNG, _MASKS_WITH_ALPHA = range(7)
_RUNS_24, _HUFFMAN = 24, 25  # OS/2 only, where their numbers are 4 and 3
_RUNS = {(_RUNS_8, 8), (_RUNS_4, 4), (_RUNS_24, 24)}
_ONE = 8192  # 1.0 in a 16-bit channel of linear light: fixed point with 13 fractional bits
_HEAD = 14
_STRIP_ROWS = 256
_MASKS_BY_BITS = {
    16: (0x7C00, 0x3E0, 0x1F, 0),
    24: (0xFF0000, 0xFF00, 0xFF, 0),
    32: (0xFF0000, 0xFF00, 0xFF, 0),
}


class UnsupportedBitmap(ValueError):
    """The header is invalid, or the coding is not supported; `how` then names the coding."""

    def __init__(self, message: str, how: str = "") -> None:
        super().__init__(message)
        self.how = how


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    is_top_down: bool
    bits: int
    coding: int
    masks: Sequence[int]
    palette: NDArray[np.uint8]
    start: int

    @property
    def stride(self) -> int:
        return (self.width * self.bits + 31) // 32 * 4


def size_of(data: bytes) -> tuple[int, int]:
    """Return the width and height of a BMP in pixels.

    Raises
    ------
    UnsupportedBitmap
        If there is no valid header.
    """
    header = _header(data)
    return header.width, header.height


def bytes_of_pixels(data: bytes) -> tuple[int, int]:
    """Return the offset and length in bytes of a BMP's pixels; (0, 0) if the header does not give them."""
    try:
        header = _header(data)
    except UnsupportedBitmap:
        return 0, 0
    is_plain = header.coding in (_PLAIN, _MASKS, _MASKS_WITH_ALPHA)
    return (header.start, header.stride * header.height) if is_plain else (0, 0)


def picture_inside(data: bytes) -> bytes | None:
    """Return the JPEG or PNG that a BMP holds instead of pixels, or None."""
    header = _header(data)
    return data[header.start :] if header.coding in (_JPEG, _PNG) else None


def decode(data: bytes) -> Image.Image:
    """Decode a BMP: 1 to 8 bits with a palette, 16 to 32 bits with masks, 64 bits of linear light, and runs.

    Parameters
    ----------
    data
        A BMP file whose size in pixels has been checked.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, or RGBA if there is an alpha mask.

    Raises
    ------
    UnsupportedBitmap
        If its coding is not supported.
    EOFError
        If pixels are missing.
    """
    header = _header(data)
    if (header.coding, header.bits) in _RUNS:
        pixels = _by_runs(data, header)
        return Image.fromarray(pixels if header.is_top_down else pixels[::-1])
    known = header.bits in (1, 2, 4, 8, 64) or (header.bits in _MASKS_BY_BITS and any(header.masks))
    if header.coding not in (_PLAIN, _MASKS, _MASKS_WITH_ALPHA) or not known:
        what = f"coding {header.coding} with {header.bits} bits"
        raise UnsupportedBitmap(what, "" if header.coding < _HUFFMAN else "Huffman codes")
    needed = header.stride * header.height
    if len(data) < header.start + needed:
        raise EOFError("the file ends before the pixels do")
    rows = np.frombuffer(data, np.uint8, needed, header.start).reshape(header.height, header.stride)
    channels = 4 if header.bits == 64 or (header.bits > 8 and header.masks[3]) else 3
    pixels = np.empty((header.height, header.width, channels), np.uint8)
    for start in range(0, header.height, _STRIP_ROWS):
        strip = rows[start : start + _STRIP_ROWS]
        pixels[start : start + _STRIP_ROWS] = _strip(strip, header, channels)
    return Image.fromarray(pixels if header.is_top_down else pixels[::-1])


def _header(data: bytes) -> _Header:
    try:
        start, length = struct.unpack_from("<II", data, 10)
        return _read(data, start, length)
    except struct.error as error:
        raise UnsupportedBitmap("the header is truncated") from error


def _read(data: bytes, start: int, length: int) -> _Header:
    is_core = length == _CORE
    width, height, _, bits = struct.unpack_from("<HHHH" if is_core else "<iiHH", data, _HEAD + 4)
    if length < _CORE or width <= 0 or height == 0:
        raise UnsupportedBitmap("the size is not valid")
    coding = colours = 0
    if length > _LEAST and not is_core:
        (coding,) = struct.unpack_from("<I", data, _HEAD + 16)
        if length in _OF_OS2:
            coding = {3: _HUFFMAN, 4: _RUNS_24}.get(coding, coding)
    if length >= _FULL:
        (colours,) = struct.unpack_from("<I", data, _HEAD + 32)
    masks = _MASKS_BY_BITS.get(bits, (0, 0, 0, 0))
    after = _HEAD + length
    if coding in (_MASKS, _MASKS_WITH_ALPHA):
        # They follow a version 1 header, and are part of later ones.
        count = 4 if coding == _MASKS_WITH_ALPHA or length >= _FULL + 16 else 3
        masks = (*struct.unpack_from(f"<{count}I", data, _HEAD + _FULL), 0)[:4]
        after = max(after, _HEAD + _FULL + 4 * count)
    palette = np.zeros((256, 3), np.uint8)
    if bits <= 8:
        entry = 3 if is_core else 4
        count = min(256, colours or 1 << bits, max(0, start - after) // entry)
        found = (
            np.frombuffer(data, np.uint8, count * entry, after)
            if len(data) >= after + count * entry
            else None
        )
        if found is None:
            raise UnsupportedBitmap("the palette is missing")
        palette[:count] = found.reshape(count, entry)[:, 2::-1]
    return _Header(width, abs(height), height < 0, bits, coding, masks, palette, start)


def _strip(rows: NDArray[np.uint8], header: _Header, channels: int) -> NDArray[np.uint8]:
    if header.bits <= 8:
        return _by_palette(rows, header)
    return _by_light(rows, header) if header.bits == 64 else _by_masks(rows, header, channels)


def _by_runs(data: bytes, header: _Header) -> NDArray[np.uint8]:
    places = unpack(data[header.start :], header.width, header.height, header.bits)
    colours: NDArray[np.uint8] = places[:, :, ::-1] if header.bits == 24 else header.palette[places]
    return colours


def _by_light(rows: NDArray[np.uint8], header: _Header) -> NDArray[np.uint8]:
    light = rows[:, : header.width * 8].copy().view("<i2").reshape(len(rows), header.width, 4)
    light = np.clip(light[:, :, [2, 1, 0, 3]], 0, _ONE)
    shown: NDArray[np.uint8] = _SHOWN[light]
    shown[:, :, 3] = light[:, :, 3].astype(np.uint32) * 255 // _ONE
    return shown


def _srgb_of_light() -> NDArray[np.uint8]:
    """Return the 8-bit sRGB values for linear light from 0 to ``_ONE`` (IEC 61966-2-1)."""
    light = np.arange(_ONE + 1) / _ONE
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    shown: NDArray[np.uint8] = np.rint(255 * curve).astype(np.uint8)
    return shown


_SHOWN = _srgb_of_light()


def _by_palette(rows: NDArray[np.uint8], header: _Header) -> NDArray[np.uint8]:
    if header.bits == 8:
        places: NDArray[Any] = rows[:, : header.width]
    else:
        shifts = np.arange(8 - header.bits, -1, -header.bits, dtype=np.uint8)
        packed = rows[:, :, None] >> shifts & (1 << header.bits) - 1
        places = packed.reshape(len(rows), -1)[:, : header.width]
    colours: NDArray[np.uint8] = header.palette[places]
    return colours


def _by_masks(rows: NDArray[np.uint8], header: _Header, channels: int) -> NDArray[np.uint8]:
    width = header.bits // 8
    raw = rows[:, : header.width * width].reshape(len(rows), header.width, width).astype(np.uint32)
    values = sum((raw[:, :, place] << np.uint32(8 * place) for place in range(1, width)), raw[:, :, 0])
    out = np.empty((len(rows), header.width, channels), np.uint8)
    for channel, mask in enumerate(header.masks[:channels]):
        if not mask:
            out[:, :, channel] = 0
            continue
        shift = (mask & -mask).bit_length() - 1
        most = mask >> shift
        found = ((values & np.uint32(mask)) >> np.uint32(shift)).astype(np.float64)
        out[:, :, channel] = np.rint(found * (255 / most))
    return out
