"""What a search asks of every segment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.segments.effort import RECALL, Effort
from glimpse.index.segments.flat import Matching
from glimpse.index.vectors import Ids, Vectors


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every segment.

    Attributes
    ----------
    query : (d,) float32
        A unit vector.
    wanted : int
        How many images.
    effort : Effort, optional
        How thoroughly inverted segments are searched; None: as their promises say.
    recall : float
        Which of their promises.
    matching : Matching, optional
        Which images may be found.
    exact : bool
        Compare every vector.
    judged : bool
        Find out how many results are relevant.
    below : float, optional
        Only images of this cosine or less are found; of an exact question.
    past : tuple of int and int, optional
        With `below`: of images of this very cosine, only those after this folder and image are found.
    pins : mapping of str to Effort
        By the digests of segments, how thoroughly those are searched.
    """

    query: Vectors
    wanted: int
    effort: Effort | None = None
    recall: float = RECALL
    matching: Matching | None = None
    exact: bool = False
    judged: bool = False
    below: float | None = None
    past: tuple[int, int] | None = None
    pins: Mapping[str, Effort] = field(default_factory=dict)

    def best(self, folder_id: int, image_ids: Ids, scores: Vectors) -> tuple[Ids, Vectors]:
        """Return those of ranked images that are asked for."""
        if self.below is None:
            return image_ids, scores
        left = scores <= np.float32(self.below)
        if self.past is not None:
            is_past = image_ids > self.past[1] if folder_id == self.past[0] else folder_id > self.past[0]
            left &= (scores < np.float32(self.below)) | is_past
        some = np.flatnonzero(left)[: self.wanted]
        return image_ids[some], scores[some]

    def effort_for(self, segment: InvertedSegment) -> Effort:
        """Return how thoroughly to search a segment that is not pinned."""
        if self.effort:
            return self.effort
        promise = segment.head.promise(self.recall)
        return Effort(promise.lists, promise.candidates) if promise else Effort()

    def pin_for(self, segment: InvertedSegment, tag: str) -> Effort | None:
        """Return how thoroughly a cursor says to search a segment; None if no less than any other search.

        Anybody can make a cursor, so none makes a search dearer.
        """
        pin, effort = self.pins.get(tag), self.effort_for(segment)
        if pin is None:
            return None
        lists, candidates = min(pin.lists, effort.lists), min(pin.candidates, effort.candidates)
        pinned = replace(effort, lists=lists, candidates=candidates)
        return None if pinned == effort else pinned

    def promise_of(self, segment: InvertedSegment) -> float | None:
        """Return the recall that a segment promises for this; None if nothing is promised."""
        promise = None if self.effort else segment.head.promise(self.recall)
        return promise.recall if promise else None
