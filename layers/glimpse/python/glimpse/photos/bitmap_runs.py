"""Run-length encoded BMPs: RLE4, RLE8 and OS/2's RLE24. The runs need not set every pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_OPERATIONS = 8_000_000  # a few seconds
_END_OF_LINE, _END_OF_PICTURE, _MOVE = 0, 1, 2
_ALIGNED = 2


def unpack(coded: bytes, width: int, height: int, bits: int) -> NDArray[np.uint8]:
    """Decode runs of pixels.

    Parameters
    ----------
    coded
        The encoded pixels, bottom row first.
    width, height
        Size in pixels.
    bits
        Bits per pixel: 4, 8 or 24.

    Returns
    -------
    (height, width) or (height, width, 3) uint8
        Palette indices, or blue, green and red; zero for pixels that are not set. Bottom row first.

    Raises
    ------
    EOFError
        If the data ends before the picture does.
    """
    unit = 3 if bits == 24 else 1
    out = np.zeros((height, width, unit), np.uint8)
    at, column, row = 0, 0, 0
    for _ in range(_MOST_OPERATIONS):
        if row >= height:
            break
        if at + 2 > len(coded):
            raise EOFError("the runs end before the picture does")
        count, value = coded[at], coded[at + 1]
        if count:
            run = _pixels(coded[at + 1 : at + 1 + unit], count, bits, is_repeated=True)
            at += 1 + unit
        elif value == _END_OF_LINE:
            at, column, row = at + 2, 0, row + 1
            continue
        elif value == _END_OF_PICTURE:
            break
        elif value == _MOVE:
            column, row, at = (
                column + int.from_bytes(coded[at + 2 : at + 3]),
                row + int.from_bytes(coded[at + 3 : at + 4]),
                at + 4,
            )
            continue
        else:
            length = -(-value * bits // 8)
            run = _pixels(coded[at + 2 : at + 2 + length], value, bits, is_repeated=False)
            at += 2 + length + length % _ALIGNED
        end = min(width, column + len(run))
        if column < end:
            out[row, column:end] = run[: end - column]
        column += len(run)
    return out if unit == 3 else out[:, :, 0]


def _pixels(stored: bytes, count: int, bits: int, *, is_repeated: bool) -> NDArray[np.uint8]:
    values = np.frombuffer(stored, np.uint8)
    if bits == 4:
        values = np.stack((values >> 4, values & 15), axis=1).ravel()
    values = values.reshape(-1, 3 if bits == 24 else 1)
    return np.resize(values, (count, values.shape[1])) if is_repeated and len(values) else values[:count]
