"""Which images a search may return."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glimpse.index.batches import Ids

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Filter:
    """Conditions that all hold for what is found.

    Attributes
    ----------
    taken_from, taken_until : int, optional
        The photograph was taken at this second since 1970 UTC or later; or before that one. Where either is
        given, photographs of unknown time are left out.
    image_ids : (m,) int64, optional
        The photograph is one of these; ascending, each once.
    """

    taken_from: int | None = None
    taken_until: int | None = None
    image_ids: Ids | None = None

    def __post_init__(self) -> None:
        if self.image_ids is not None:
            object.__setattr__(self, "image_ids", np.unique(np.asarray(self.image_ids, np.int64)))

    def matches(self, image_ids: Ids, taken_at: Ids) -> Mask:
        """Return for each image whether it may be found."""
        kept = np.ones(len(image_ids), np.bool_)
        if self.taken_from is not None or self.taken_until is not None:
            kept &= taken_at != UNKNOWN_TIME
        if self.taken_from is not None:
            kept &= taken_at >= self.taken_from
        if self.taken_until is not None:
            kept &= taken_at < self.taken_until
        if self.image_ids is not None:
            kept &= is_in(image_ids, self.image_ids)
        return kept


UNKNOWN_TIME = -(2**63)


def is_in(image_ids: Ids, some: Ids) -> Mask:
    """Return for each image id whether it is one of `some`, which ascend."""
    if not len(some):
        return np.zeros(len(image_ids), np.bool_)
    places = np.minimum(np.searchsorted(some, image_ids), len(some) - 1)
    found: Mask = some[places] == image_ids
    return found
