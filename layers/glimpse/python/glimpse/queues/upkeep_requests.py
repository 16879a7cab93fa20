"""Whoever commits asks for the upkeep of the index, and waits for nothing."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from glimpse.index import Commit, IndexKey
from glimpse.maintenance import QueueUnavailable
from glimpse.messages import CompactIndex, Upkeep

REST_SECONDS = 120
"""An index that nobody changed for so long is at rest."""

_CALL_SECONDS = 90.0
"""A worker calls again after so long. It is less than REST_SECONDS, so that an earlier call is still on its
way whenever one is saved."""

_MUTE_SECONDS = 60.0
"""A queue that did not answer is left alone for so long."""

_REMEMBERED = 1000

_logger = logging.getLogger(__name__)


class UpkeepQueue(Protocol):
    """The upkeep queue; :class:`glimpse.maintenance.MaintenanceQueue` is one."""

    def send(self, message: Upkeep, *, delay_seconds: int = 0) -> None:
        """Ask for upkeep, to be begun after so many seconds; raises QueueUnavailable."""


@dataclass(slots=True)
class UpkeepRequests:
    """Asks for compaction, at once where it is due, and later so that the index comes to rest.

    A message of the second kind is sent again by its receiver as long as the index goes on changing, so one
    worker needs one of them for all commits of a burst. Each commit that it makes within 90 seconds of the
    last one is seen by the receiver, and so is sure to be followed by a look.

    Attributes
    ----------
    queue
        Takes the messages.
    clock
        Seconds, from any moment on.
    """

    queue: UpkeepQueue
    clock: Callable[[], float] = time.monotonic
    _due: dict[IndexKey, float] = field(default_factory=dict)
    _rest: dict[IndexKey, float] = field(default_factory=dict)
    _muted_until: float = float("-inf")

    def committed(self, index: IndexKey, commit: Commit) -> None:
        """Ask for what a commit says that its index needs; a queue that does not answer is logged."""
        now = self.clock()
        if now < self._muted_until:
            return
        try:
            if commit.is_compaction_due and not _is_recent(self._due, index, now):
                self.queue.send(compaction(index))
                _note(self._due, index, now)
            if commit.is_due_at_rest:
                if not _is_recent(self._rest, index, now):
                    self.queue.send(compaction(index, commit.version), delay_seconds=REST_SECONDS)
                _note(self._rest, index, now)
        except QueueUnavailable:
            # The commit itself is done, and the daily round finds whatever nobody asked for.
            self._muted_until = now + _MUTE_SECONDS
            _logger.warning("nobody was asked to compact %s", index.prefix, exc_info=True)


def compaction(index: IndexKey, rest_version: int | None = None) -> CompactIndex:
    """Return the message that asks for it."""
    return CompactIndex(
        namespace=index.namespace,
        space_id=index.space_id,
        user_id=index.user_id,
        folder_id=index.folder_id,
        rest_version=rest_version,
    )


def _is_recent(calls: dict[IndexKey, float], index: IndexKey, now: float) -> bool:
    return now - calls.get(index, float("-inf")) < _CALL_SECONDS


def _note(calls: dict[IndexKey, float], index: IndexKey, now: float) -> None:
    calls[index] = now
    if len(calls) > _REMEMBERED:
        for other in [other for other in calls if not _is_recent(calls, other, now)]:
            del calls[other]
