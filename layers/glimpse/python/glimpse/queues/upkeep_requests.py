"""Requests the upkeep of an index after a commit, without waiting for it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from glimpse.index import Commit, IndexKey
from glimpse.maintenance import QueueUnavailable
from glimpse.messages import CompactIndex, Upkeep

REST_SECONDS = 120
"""An index is at rest if it has not changed for this long."""

_CALL_SECONDS = 90.0
"""A worker sends no second request for this long. It is less than REST_SECONDS, so that the earlier request
is still on its way whenever one is skipped."""

_MUTE_SECONDS = 60.0
"""How long to leave a queue alone that did not answer."""

_REMEMBERED = 1000

_logger = logging.getLogger(__name__)


class UpkeepQueue(Protocol):
    """The upkeep queue; :class:`glimpse.maintenance.MaintenanceQueue` is one."""

    def send(self, message: Upkeep, *, delay_seconds: int = 0) -> None:
        """Request upkeep, to begin after `delay_seconds`; raises QueueUnavailable."""


@dataclass(slots=True)
class UpkeepRequests:
    """Requests compaction by two kinds of message: one at once, if compaction is due; and a delayed one.

    The delayed message is for the index at rest: its receiver sends it again as long as the index keeps
    changing. So a worker sends only one for a whole burst of commits: while each commit follows the previous
    one within 90 seconds, a message is on its way, and its receiver checks the index after the last commit.

    Attributes
    ----------
    queue
        Takes the messages.
    clock
        A monotonic clock, in seconds.
    """

    queue: UpkeepQueue
    clock: Callable[[], float] = time.monotonic
    _due: dict[IndexKey, float] = field(default_factory=dict)
    _rest: dict[IndexKey, float] = field(default_factory=dict)
    _muted_until: float = float("-inf")

    def committed(self, index: IndexKey, commit: Commit) -> None:
        """Request the upkeep that a commit reports as due. A queue that does not answer is only logged."""
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
            # The commit itself is done, and the daily round finds indexes whose request was lost.
            self._muted_until = now + _MUTE_SECONDS
            _logger.warning("compaction of %s could not be requested", index.prefix, exc_info=True)


def compaction(index: IndexKey, rest_version: int | None = None) -> CompactIndex:
    """Return the message that requests compaction of an index."""
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
