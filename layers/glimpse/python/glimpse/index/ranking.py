"""The best results of many partial searches."""

from dataclasses import dataclass

import numpy as np

from glimpse.index.batches import Ids, Vectors

_BUFFERED = 200_000


@dataclass(frozen=True, slots=True)
class Hit:
    """An image found.

    Attributes
    ----------
    image_id, folder_id : int
        Which.
    score : float
        Cosine of its embedding and the query's.
    """

    image_id: int
    folder_id: int
    score: float


class Ranking:
    """Keeps the `top_k` best images, each once with its best score, in bounded memory.

    Equal scores rank by folder and image id, so that an answer can be repeated.
    """

    def __init__(self, top_k: int) -> None:
        self._top_k = top_k
        self._parts: list[tuple[Ids, Ids, Vectors]] = []
        self._buffered = 0

    def add(self, folder_id: int, image_ids: Ids, scores: Vectors) -> None:
        """Take in images of one folder with their scores."""
        self._parts.append((np.full(len(image_ids), folder_id, dtype=np.int64), image_ids, scores))
        self._buffered += len(image_ids)
        if self._buffered > _BUFFERED:
            self._reduce()

    def hits(self) -> list[Hit]:
        """Return the best, best first."""
        if not self._parts:
            return []
        self._reduce()
        folder_ids, image_ids, scores = self._parts[0]
        return [
            Hit(image_id, folder_id, score)
            for folder_id, image_id, score in zip(
                folder_ids.tolist(), image_ids.tolist(), scores.tolist(), strict=True
            )
        ]

    def _reduce(self) -> None:
        folder_ids, image_ids, scores = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.lexsort((image_ids, folder_ids, -scores))
        folder_ids, image_ids, scores = folder_ids[order], image_ids[order], scores[order]
        # By image, and each image's best first, since this order is stable.
        places = np.lexsort((image_ids, folder_ids))
        is_best = np.ones(len(places), np.bool_)
        is_best[1:] = np.diff(image_ids[places]) != 0
        is_best[1:] |= np.diff(folder_ids[places]) != 0
        best = np.sort(places[is_best])[: self._top_k]
        self._parts = [(folder_ids[best], image_ids[best], scores[best])]
        self._buffered = len(best)
