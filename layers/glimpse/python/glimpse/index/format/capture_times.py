"""When a photograph was taken, in one number: the instant, and what a clock showed there.

``taken_at`` of an index is seconds since 1970 UTC, and 2^42 times the minutes by which the clock was ahead of
UTC. Those minutes are 0 where they are not known: what was written before there were any reads as it always
did. No calendar's second reaches 2^41.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glimpse.index.vectors import Ids

UNKNOWN_TIME = -(2**63)

_MINUTE = 1 << 42
_HALF = 1 << 41


def pack_time(instant: int, offset_minutes: int | None) -> int:
    """Return the number of an instant.

    Parameters
    ----------
    instant
        Seconds since 1970-01-01 UTC; ``UNKNOWN_TIME`` stays so.
    offset_minutes
        By how much the clock was ahead of UTC; None if that is not known, and the instant is what it showed.
    """
    return instant if instant == UNKNOWN_TIME else instant + _MINUTE * (offset_minutes or 0)


def instants(taken_at: Ids) -> Ids:
    """Return the instants of numbers, in seconds since 1970 UTC."""
    return _without_unknown(taken_at, taken_at - _minutes(taken_at) * _MINUTE)


def local_times(taken_at: Ids) -> Ids:
    """Return what clocks showed, in seconds since 1970-01-01 by that clock."""
    minutes = _minutes(taken_at)
    return _without_unknown(taken_at, taken_at - minutes * _MINUTE + 60 * minutes)


def _minutes(taken_at: Ids) -> Ids:
    known = np.where(taken_at == UNKNOWN_TIME, 0, taken_at)
    minutes: npt.NDArray[np.int64] = (known + _HALF) >> 42
    return minutes


def _without_unknown(taken_at: Ids, times: Ids) -> Ids:
    found: Ids = np.where(taken_at == UNKNOWN_TIME, UNKNOWN_TIME, times)
    return found
