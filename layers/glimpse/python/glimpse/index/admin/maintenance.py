"""Maintenance of the indexes in one bucket: compaction, sweep, check and repair."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from glimpse.index.admin.check import CheckReport, check
from glimpse.index.admin.repair import Repaired, repair
from glimpse.index.commit.manifest_cas import RetryPolicy, Swapper
from glimpse.index.compaction import policy
from glimpse.index.compaction.merge import Merger
from glimpse.index.compaction.run import Compacted, compact
from glimpse.index.compaction.sweep import GRACE_SECONDS, Swept, sweep
from glimpse.index.layout import IndexKey
from glimpse.index.store.object_store import ObjectStore


@dataclass(frozen=True, slots=True)
class UpkeepNeeds:
    """Which maintenance an index needs.

    Attributes
    ----------
    version : int
        The index's version; 0 if there is no index.
    is_compaction_due, is_due_at_rest : bool
        Whether compaction would merge something while commits arrive, and once no more are expected.
    """

    version: int
    is_compaction_due: bool = False
    is_due_at_rest: bool = False


class IndexMaintenance:
    """Maintains the indexes in one bucket, safely alongside writers and readers.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    policy : RetryPolicy
        How many times a swap is tried, and the backoff between tries.
    grace_seconds : float
        The grace period; must be the writers'.
    readers : int
        How many objects a merge reads in parallel.
    clock, sleep, rng
        Time in seconds, the wait between tries, and the source of jitter; tests pass their own.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        policy: RetryPolicy | None = None,
        grace_seconds: float = GRACE_SECONDS,
        readers: int = 8,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        jitter = rng or random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._swapper = Swapper(store, policy or RetryPolicy(), clock, sleep, jitter)
        self._grace_seconds = grace_seconds
        self._merger = Merger(self._swapper, grace_seconds, readers)

    def needs(self, key: IndexKey) -> UpkeepNeeds:
        """Tell from the manifest alone whether compaction would find something to merge.

        Raises
        ------
        FormatError
            If the manifest is unusable.
        StoreError
            If the store refuses the request or does not answer.
        """
        manifest = self._swapper.read(key).manifest
        if manifest is None:
            return UpkeepNeeds(0)
        return UpkeepNeeds(
            manifest.sequence,
            is_compaction_due=policy.next_window(manifest) is not None,
            is_due_at_rest=policy.next_window(manifest, at_rest=True) is not None,
        )

    def compact(
        self,
        key: IndexKey,
        *,
        at_rest: bool = False,
        whole: bool = False,
        seconds: float = float("inf"),
        largest_bytes: int = policy.LARGEST_BYTES,
    ) -> Compacted:
        """Compact an index; see :func:`glimpse.index.compaction.run.compact`."""
        return compact(
            self._merger, key, at_rest=at_rest, whole=whole, seconds=seconds, largest_bytes=largest_bytes
        )

    def sweep(self, key: IndexKey) -> Swept:
        """Remove unreferenced objects; see :func:`glimpse.index.compaction.sweep.sweep`."""
        return sweep(self._swapper, key, self._grace_seconds)

    def check(self, key: IndexKey, version: int = 0) -> CheckReport:
        """Verify an index against its specification; see :func:`glimpse.index.admin.check.check`."""
        return check(self._swapper.store, key, version)

    def repair(self, key: IndexKey, version: int = 0) -> Repaired:
        """Repair an index; see :func:`glimpse.index.admin.repair.repair`."""
        return repair(self._swapper, key, version)
