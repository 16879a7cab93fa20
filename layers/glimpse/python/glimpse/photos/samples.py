"""Deep samples as 8 bits, a few rows at a time: whole intermediate arrays would take several gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WHITES = (0xFF, 0x3FF, 0xFFF, 0x3FFF, 0xFFFF)  # of 8, 10, 12, 14 and 16 bits
_STRIP_ROWS = 64


def white_of(highest: int) -> int:
    """Return which value is white where this one is the highest.

    Scanners and cameras keep 8 to 14 bits in 16: it is the largest value of the depth that is in use.

    Parameters
    ----------
    highest
        0 to 65,535.
    """
    return next(white for white in _WHITES if highest <= white)


def strips(values: NDArray[Any]) -> list[NDArray[Any]]:
    """Return an array, (height, …), in parts of a few rows."""
    return [values[start : start + _STRIP_ROWS] for start in range(0, len(values), _STRIP_ROWS)]


def by_strips(values: NDArray[Any], scaled: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.uint8]:
    """Return samples of an array, (height, …), as `scaled` maps those of a few rows to 0 to 255."""
    out = np.empty(values.shape, np.uint8)
    for target, strip in zip(strips(out), strips(values), strict=True):
        target[...] = scaled(strip)
    return out
