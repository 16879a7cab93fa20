"""Commits of several threads that wait for one index, taken into one."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from glimpse.index.layout import IndexKey
from glimpse.index.segment import Ids, VectorBatch
from glimpse.index.swap import Commit
from glimpse.index.writer import Attempt


@dataclass(slots=True, eq=False)
class _Waiting:
    attempt: Attempt
    added: VectorBatch | None
    removed: tuple[int, ...]
    commit: Commit | None = None
    error: BaseException | None = None

    @property
    def is_settled(self) -> bool:
        return self.commit is not None or self.error is not None

    @property
    def dimension(self) -> int | None:
        return self.added.dimension if self.added is not None and len(self.added) else None


@dataclass(slots=True)
class _Line:
    """Those who wait for one index. Whoever holds `turn` commits for everybody."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Waiting] = field(default_factory=list)
    users: int = 0


class CommitGatherer:
    """Commits for many threads of one process: those that wait for the same index share one swap.

    Their order is that in which they came: an image that one adds and a later one removes is removed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[IndexKey, _Line] = {}

    def commit(
        self, attempt: Attempt, added: VectorBatch | None = None, removed: Sequence[int] = ()
    ) -> Commit:
        """Do what :meth:`Attempt.commit` does, possibly together with others.

        Raises
        ------
        CommitError, FormatError, StoreError, ValueError
            As for :meth:`Attempt.commit`. All who were taken into one commit get its error.
        """
        mine = _Waiting(attempt, added, tuple(removed))
        with self._lock:
            line = self._lines.setdefault(attempt.key, _Line())
            line.users += 1
            line.waiting.append(mine)
        try:
            with line.turn:
                if not mine.is_settled:
                    self._commit_together(line, mine)
        finally:
            with self._lock:
                line.users -= 1
                if not line.users:
                    del self._lines[attempt.key]
        if mine.error is not None:
            raise mine.error
        if mine.commit is None:
            raise RuntimeError(f"a commit to {attempt.key.prefix} was passed over")
        return mine.commit

    def _commit_together(self, line: _Line, mine: _Waiting) -> None:
        """Commit for everybody who waits, and began in the same epoch with vectors of the same dimension."""
        with self._lock:
            together = [
                item
                for item in line.waiting
                if item.attempt.epoch == mine.attempt.epoch and item.dimension in (None, mine.dimension)
            ]
            line.waiting = [item for item in line.waiting if item not in together]
        try:
            added, removed = _in_order(together)
            commit = mine.attempt.commit(added, removed)
        except BaseException as error:
            for item in together:
                item.error = error
        else:
            for item in together:
                item.commit = commit


def _in_order(together: Sequence[_Waiting]) -> tuple[VectorBatch | None, list[int]]:
    """Return the one change that does what several do one after the other."""
    removed: set[int] = set()
    parts: list[VectorBatch] = []
    for item in together:
        removed.update(item.removed)
        newer = np.array(item.removed, np.int64)
        if item.added is not None:
            newer = np.concatenate((newer, item.added.image_ids))
        parts = [_without(part, newer) for part in parts]
        if item.added is not None and len(item.added):
            parts.append(item.added)
    if not parts:
        return None, sorted(removed)
    return VectorBatch(
        np.concatenate([part.image_ids for part in parts]),
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.taken_at for part in parts]),
    ), sorted(removed)


def _without(batch: VectorBatch, image_ids: Ids) -> VectorBatch:
    keep = ~np.isin(batch.image_ids, image_ids)
    return VectorBatch(batch.image_ids[keep], batch.vectors[keep], batch.taken_at[keep])
