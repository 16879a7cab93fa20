"""Search filters by capture time and image id."""

from dataclasses import dataclass

import numpy as np

from glimpse.index.format.capture_times import UNKNOWN_TIME, instants, local_times
from glimpse.index.vectors import Ids, Mask


@dataclass(frozen=True, eq=False)
class Filter:
    """Conditions that every result meets.

    Attributes
    ----------
    taken_from, taken_until : int, optional
        The photograph was taken at or after `taken_from` and before `taken_until`, in seconds since 1970 UTC.
        If any time is given, photographs of unknown time are excluded.
    local_from, local_until : int, optional
        The same in local time: seconds since 1970-01-01 by the clock where the photograph was taken.
    image_ids : (m,) int64, optional
        The photograph is one of these. Sorted and made distinct.
    """

    taken_from: int | None = None
    taken_until: int | None = None
    image_ids: Ids | None = None
    local_from: int | None = None
    local_until: int | None = None

    def __post_init__(self) -> None:
        if self.image_ids is not None:
            object.__setattr__(self, "image_ids", np.unique(np.asarray(self.image_ids, np.int64)))

    def matches(self, image_ids: Ids, taken_at: Ids) -> Mask:
        """Return, for (n,) image ids and packed capture times, which images match: (n,) bool."""
        kept = np.ones(len(image_ids), np.bool_)
        for times, since, until in (
            (instants, self.taken_from, self.taken_until),
            (local_times, self.local_from, self.local_until),
        ):
            if since is None and until is None:
                continue
            kept &= taken_at != UNKNOWN_TIME
            taken = times(taken_at)
            if since is not None:
                kept &= taken >= since
            if until is not None:
                kept &= taken < until
        if self.image_ids is not None:
            kept &= is_in(image_ids, self.image_ids)
        return kept


def is_in(image_ids: Ids, some: Ids) -> Mask:
    """Return which of (n,) image ids are among `some`, which must be ascending: (n,) bool."""
    if not len(some):
        return np.zeros(len(image_ids), np.bool_)
    places = np.minimum(np.searchsorted(some, image_ids), len(some) - 1)
    found: Mask = some[places] == image_ids
    return found
