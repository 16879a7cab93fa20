"""Converts deep samples to 8 bits, a few rows at a time: full-size intermediates would take gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WHITES = (0xFF, 0x3FF, 0xFFF, 0x3FFF, 0xFFFF)  # for 8, 10, 12, 14 and 16 bits
_STRIP_ROWS = 64


def white_of(highest: int) -> int:
    """Return the white level of samples whose maximum is `highest`.

    Scanners and cameras store 8 to 14 bits in 16, so white is the largest value of the bit depth in use.

    Parameters
    ----------
    highest
        The maximum, 0 to 65,535.
    """
    return next(white for white in _WHITES if highest <= white)


def strips(values: NDArray[Any]) -> list[NDArray[Any]]:
    """Split an array, (height, …), into strips of a few rows."""
    return [values[start : start + _STRIP_ROWS] for start in range(0, len(values), _STRIP_ROWS)]


def by_strips(values: NDArray[Any], scaled: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.uint8]:
    """Convert an array, (height, …), to uint8 strip by strip; `scaled` maps a strip to 0…255."""
    out = np.empty(values.shape, np.uint8)
    for target, strip in zip(strips(out), strips(values), strict=True):
        target[...] = scaled(strip)
    return out
