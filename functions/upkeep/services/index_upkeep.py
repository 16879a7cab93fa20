"""Indexes are kept in order while people go on changing and searching them.

Nothing here can be in anybody's way: a merge that loses against another, or that is killed, costs its work
only, and what it leaves behind is swept. So every message may come twice, late or never.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from glimpse.index import (
    CommitContended,
    FormatError,
    IndexKey,
    IndexMaintenance,
    ObjectStore,
    StoreUnavailable,
    list_indexes,
)
from glimpse.messages import CompactIndex, TendIndexes
from glimpse.queues import REST_SECONDS, UpkeepQueue, WorkOutcome, compaction

MERGE_SECONDS = 400.0
"""The time that is left when no further merge is begun: enough for the largest one, with a margin."""

_RESERVE_SECONDS = 60.0
"""The time that is left when the rest of a round is handed over."""

_TOGETHER = 64
"""Indexes of a round between two looks at the clock."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IndexUpkeep:
    """Compacts and sweeps indexes.

    Attributes
    ----------
    store, maintenance
        The indexes.
    queue
        Takes what comes later, or what one invocation has no time for.
    workers
        Indexes of a round that are looked at at once.
    """

    store: ObjectStore
    maintenance: IndexMaintenance
    queue: UpkeepQueue
    workers: int = 8

    def compact(
        self,
        request: CompactIndex,
        *,
        receive_count: int,  # noqa: ARG002 - every step may be repeated
        remaining_seconds: Callable[[], float],
    ) -> WorkOutcome:
        """Merge what is worth merging in one index, or as much of it as there is time for.

        Raises
        ------
        CommitContended, AttemptExpired, FormatError, StoreError
            If the index can't be compacted now; the queue must deliver the message again.
        """
        index = IndexKey(request.namespace, request.space_id, request.user_id, request.folder_id)
        is_at_rest = (
            request.rest_version is not None and self.maintenance.needs(index).version == request.rest_version
        )
        done = self.maintenance.compact(
            index, at_rest=is_at_rest, seconds=max(0.0, remaining_seconds() - MERGE_SECONDS)
        )
        if request.rest_version is None:
            if not done.is_done:
                self.queue.send(request)
            return WorkOutcome.DONE if done.is_done else WorkOutcome.CONTINUED
        if is_at_rest and done.is_done:
            return WorkOutcome.DONE
        following = request.model_copy(update={"rest_version": self.maintenance.needs(index).version})
        # Out of time, it goes on at once; after a commit, it waits for the one that none follows.
        self.queue.send(following, delay_seconds=0 if is_at_rest else REST_SECONDS)
        return WorkOutcome.CONTINUED

    def tend(
        self,
        request: TendIndexes,
        *,
        receive_count: int,  # noqa: ARG002 - every step may be repeated
        remaining_seconds: Callable[[], float],
    ) -> WorkOutcome:
        """Sweep all indexes, and ask for compaction of those that need it at rest.

        Raises
        ------
        StoreError, QueueUnavailable
            If the bucket or the queue does not answer; the queue must deliver the message again.
        """
        finished = request.after
        try:
            for together in self._batches(request.after):
                with ThreadPoolExecutor(self.workers, thread_name_prefix="upkeep") as pool:
                    list(pool.map(self._tend, together))
                finished = together[-1].prefix
                if remaining_seconds() < _RESERVE_SECONDS:
                    break
            else:
                return WorkOutcome.DONE
        except StoreUnavailable:
            if finished == request.after:
                raise
            _logger.warning("the round goes on after %s in the next invocation", finished, exc_info=True)
        self.queue.send(request.model_copy(update={"after": finished}))
        return WorkOutcome.CONTINUED

    def _batches(self, after: str) -> Iterator[list[IndexKey]]:
        indexes = list_indexes(self.store, after=after)
        while together := list(islice(indexes, _TOGETHER)):
            yield together

    def _tend(self, index: IndexKey) -> None:
        try:
            needs = self.maintenance.needs(index)
            if needs.is_due_at_rest:
                self.queue.send(compaction(index, needs.version), delay_seconds=REST_SECONDS)
            swept = self.maintenance.sweep(index)
        except StoreUnavailable:
            _logger.warning("%s is left to the next round", index.prefix, exc_info=True)
        except (FormatError, CommitContended) as error:
            # An index of which an object is damaged must not keep the others waiting.
            _logger.error("%s can't be kept in order: %s", index.prefix, error)  # noqa: TRY400 - expected
        else:
            if swept.removed:
                _logger.info("%d objects of %s were swept", swept.removed, index.prefix)
