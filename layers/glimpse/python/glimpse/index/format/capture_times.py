"""Packs a photograph's capture time, the instant and the UTC offset, into one int64.

An index's ``taken_at`` is the instant in seconds since 1970 UTC, plus 2^42 times the camera clock's UTC
offset in minutes. An unknown offset counts as 0, so values written before offsets were stored keep their
meaning. No calendar date reaches 2^41 seconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glimpse.index.vectors import Ids

UNKNOWN_TIME = -(2**63)

_MINUTE = 1 << 42
_HALF = 1 << 41


def pack_time(instant: int, offset_minutes: int | None) -> int:
    """Return the packed value of a capture time.

    Parameters
    ----------
    instant
        Seconds since 1970-01-01 UTC; ``UNKNOWN_TIME`` is returned unchanged.
    offset_minutes
        How far the clock was ahead of UTC, in minutes. None if unknown; `instant` is then the clock's
        reading, taken as UTC.
    """
    return instant if instant == UNKNOWN_TIME else instant + _MINUTE * (offset_minutes or 0)


def instants(taken_at: Ids) -> Ids:
    """Return the instants of (n,) int64 packed values, in seconds since 1970 UTC."""
    return _without_unknown(taken_at, taken_at - _minutes(taken_at) * _MINUTE)


def local_times(taken_at: Ids) -> Ids:
    """Return what the clocks showed, from (n,) int64 packed values: local seconds since 1970-01-01."""
    minutes = _minutes(taken_at)
    return _without_unknown(taken_at, taken_at - minutes * _MINUTE + 60 * minutes)


def _minutes(taken_at: Ids) -> Ids:
    known = np.where(taken_at == UNKNOWN_TIME, 0, taken_at)
    minutes: npt.NDArray[np.int64] = (known + _HALF) >> 42
    return minutes


def _without_unknown(taken_at: Ids, times: Ids) -> Ids:
    found: Ids = np.where(taken_at == UNKNOWN_TIME, UNKNOWN_TIME, times)
    return found
