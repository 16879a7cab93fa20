"""Top-k: merges partial rankings into one."""

from dataclasses import dataclass

import numpy as np

from glimpse.index.vectors import Ids, Vectors

_BUFFERED = 200_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result.

    Attributes
    ----------
    image_id, folder_id : int
        The image and its folder.
    score : float
        Cosine of the image's embedding and the query.
    """

    image_id: int
    folder_id: int
    score: float


class Ranking:
    """Merges rankings and keeps the first `top_k` images, in bounded memory.

    It takes the best of the rankings' next images, as a k-way merge does. Each image counts once, and ties
    are broken by folder and image id. If a ranking is not in order of its scores, an image that comes after a
    lower score follows that one directly. So each ranking may stop after `top_k` images, and the first images
    of the result are the same for every `top_k`.
    """

    def __init__(self, top_k: int) -> None:
        self._top_k = top_k
        self._parts: list[_Part] = []
        self._only: tuple[int, Ids, Vectors] | None = None
        self._buffered = 0

    def add(self, folder_id: int, image_ids: Ids, scores: Vectors) -> None:
        """Add a ranking of distinct images of one folder, best first: (n,) int64 and (n,) float32."""
        if not self._parts and self._only is None:
            self._only = folder_id, image_ids, scores  # the only ranking needs no merging
            return
        if self._only is not None:
            only, self._only = self._only, None
            self._add(*only)
        self._add(folder_id, image_ids, scores)

    def _add(self, folder_id: int, image_ids: Ids, scores: Vectors) -> None:
        self._parts.append(_Part.of(folder_id, image_ids, scores))
        self._buffered += len(image_ids)
        if self._buffered > _BUFFERED:
            self._reduce()

    def hits(self) -> list[Hit]:
        """Return the first `top_k` images of the merged ranking."""
        if self._only is not None:
            folder_id, image_ids, scores = self._only
            rows = zip(image_ids[: self._top_k].tolist(), scores[: self._top_k].tolist(), strict=True)
            return [Hit(image_id, folder_id, score) for image_id, score in rows]
        if not self._parts:
            return []
        self._reduce()
        columns = (self._parts[0].image_ids, self._parts[0].folder_ids, self._parts[0].scores)
        return [Hit(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def _reduce(self) -> None:
        merged = _Part.joined(self._parts)
        merged = merged.take(np.lexsort((merged.places, merged.low_ids, merged.folder_ids, -merged.lows)))
        # Group by image. The sort is stable, so each image's first row is its best.
        places = np.lexsort((merged.image_ids, merged.folder_ids))
        is_first = np.ones(len(places), np.bool_)
        is_first[1:] = np.diff(merged.image_ids[places]) != 0
        is_first[1:] |= np.diff(merged.folder_ids[places]) != 0
        self._parts = [merged.take(np.sort(places[is_first])[: self._top_k])]
        self._buffered = len(self._parts[0].scores)


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """Images with their merge keys: the lowest score so far in the ranking, its image, and the position."""

    folder_ids: Ids
    image_ids: Ids
    scores: Vectors
    lows: Vectors
    low_ids: Ids
    places: Ids

    @classmethod
    def of(cls, folder_id: int, image_ids: Ids, scores: Vectors) -> "_Part":
        places = np.arange(len(image_ids))
        lows = np.minimum.accumulate(scores)
        low_at = np.maximum.accumulate(np.where(scores <= lows, places, 0))
        return cls(np.full(len(image_ids), folder_id), image_ids, scores, lows, image_ids[low_at], places)

    @classmethod
    def joined(cls, parts: "list[_Part]") -> "_Part":
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.folder_ids for part in parts]),
            np.concatenate([part.image_ids for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.lows for part in parts]),
            np.concatenate([part.low_ids for part in parts]),
            np.concatenate([part.places for part in parts]),
        )

    def take(self, places: Ids) -> "_Part":
        return _Part(
            self.folder_ids[places],
            self.image_ids[places],
            self.scores[places],
            self.lows[places],
            self.low_ids[places],
            self.places[places],
        )
