"""The query that a search runs on every segment, with its options."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.segments.effort import RECALL, Effort
from glimpse.index.segments.flat import Matching
from glimpse.index.vectors import Ids, Vectors


@dataclass(frozen=True, slots=True)
class Question:
    """A query and its options, as run on every segment.

    Attributes
    ----------
    query : (d,) float32
        A unit vector.
    wanted : int
        Number of images to return.
    effort : Effort, optional
        Effort for inverted segments; None uses the effort that each segment promises for `recall`.
    recall : float
        The recall whose promise to use.
    matching : Matching, optional
        Decides which images may be found.
    exact : bool
        Compare every vector.
    judged : bool
        Collect the scores for an estimate of how many results are relevant.
    below : float, optional
        Only find images with this cosine or less; only for exact questions.
    past : tuple of int and int, optional
        With `below`: of images with exactly this cosine, only find those after this folder and image.
    pins : mapping of str to Effort
        Effort of individual segments, by the beginnings of their digests.
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
        """Return the ranked images that `below` and `past` admit, at most `wanted`."""
        if self.below is None:
            return image_ids, scores
        left = scores <= np.float32(self.below)
        if self.past is not None:
            is_past = image_ids > self.past[1] if folder_id == self.past[0] else folder_id > self.past[0]
            left &= (scores < np.float32(self.below)) | is_past
        some = np.flatnonzero(left)[: self.wanted]
        return image_ids[some], scores[some]

    def effort_for(self, segment: InvertedSegment) -> Effort:
        """Return the effort for a segment that is not pinned."""
        if self.effort:
            return self.effort
        promise = segment.head.promise(self.recall)
        return Effort(promise.lists, promise.candidates) if promise else Effort()

    def pin_for(self, segment: InvertedSegment, tag: str) -> Effort | None:
        """Return the effort that a cursor pins for a segment, or None if it is not below the usual effort.

        Anyone can forge a cursor, so a cursor never makes a search more expensive.
        """
        pin, effort = self.pins.get(tag), self.effort_for(segment)
        if pin is None:
            return None
        lists, candidates = min(pin.lists, effort.lists), min(pin.candidates, effort.candidates)
        pinned = replace(effort, lists=lists, candidates=candidates)
        return None if pinned == effort else pinned

    def promise_of(self, segment: InvertedSegment) -> float | None:
        """Return the recall that a segment promises for this question, or None if it promises none."""
        promise = None if self.effort else segment.head.promise(self.recall)
        return promise.recall if promise else None
