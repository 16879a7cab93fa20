"""Compare-and-swap of the manifest, by a conditional put: the one way in which an index changes."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from glimpse.backoff import full_jitter
from glimpse.index.errors import (
    CommitContended,
    Conflict,
    ObjectDamaged,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
)
from glimpse.index.format.manifest import Manifest
from glimpse.index.layout import IndexKey
from glimpse.index.store.object_store import Data, ObjectStore

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit left behind.

    Attributes
    ----------
    version : int
        The manifest's sequence number: readers see the change from this version on. 0 where nothing was ever
        committed.
    epoch : int
        The epoch that the index is in.
    is_compaction_due : bool
        Whether somebody should compact the index. It is said by one commit of several, so that whoever hears
        it may act on it.
    is_due_at_rest : bool
        Whether somebody should compact the index once no more commits arrive.
    """

    version: int
    epoch: int
    is_compaction_due: bool = False
    is_due_at_rest: bool = False


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter: the n-th pause is uniform in 0…min(cap, base·2^n) seconds."""

    tries: int = 40
    base_seconds: float = 0.05
    cap_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class CurrentManifest:
    """A manifest as it was read: no tag where there is none, no manifest where it is damaged."""

    manifest: Manifest | None
    etag: str | None
    epoch: int
    sequence: int


Follow = Callable[[CurrentManifest], Manifest | Commit]
"""Looks at what was read, and returns the manifest to follow it, or a commit where nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Swapper:
    """Reads manifests, swaps them, and writes the objects that they name.

    Attributes
    ----------
    store : ObjectStore
        The bucket.
    policy : RetryPolicy
        How often a write is tried, and with which pauses.
    clock, sleep, rng
        Time in seconds, how to wait, and where jitter comes from.
    """

    store: ObjectStore
    policy: RetryPolicy = RetryPolicy()
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def read(self, key: IndexKey, *, even_damaged: bool = False) -> CurrentManifest:
        """Read a manifest.

        With `even_damaged`, the unknown counters of a damaged one continue from the clock's milliseconds,
        which are above any count.

        Raises
        ------
        FormatError, StoreError
            If it can't be used, or not be read.
        """
        stored = self.store.get(key.manifest)
        if stored is None:
            return CurrentManifest(None, None, 0, 0)
        try:
            manifest = Manifest.parse(stored.data, key)
        except ObjectDamaged:
            if not even_damaged:
                raise
            _logger.warning("%s is damaged and will be replaced", key.manifest, exc_info=True)
            counter = int(self.clock() * 1000)
            return CurrentManifest(None, stored.etag, counter, counter)
        return CurrentManifest(manifest, stored.etag, manifest.epoch, manifest.sequence)

    def swap_until_done(self, key: IndexKey, follow: Follow, *, even_damaged: bool = False) -> Commit:
        """Read the manifest and swap it for the one that `follow` makes of it, until that has happened.

        There is one read more than there are swaps, since the last swap may have happened although its
        answer was lost; `follow` recognises that.

        Raises
        ------
        CommitContended
            If every try was lost.
        FormatError, StoreError
            If the manifest can't be used, or the store refuses.
        """
        failure: StoreError | None = None
        for tried in range(self.policy.tries + 1):
            try:
                found = self.read(key, even_damaged=even_damaged)
                following = follow(found)
                if isinstance(following, Commit):
                    return following
                if tried < self.policy.tries:
                    self.swap(key, found.etag, following)
                    return Commit(following.sequence, following.epoch)
            except (Conflict, StoreUnavailable) as error:
                failure = error
            if tried < self.policy.tries:
                self._pause(tried)
        raise CommitContended(
            f"{key.manifest} could not be swapped in {self.policy.tries} tries: {failure}"
        ) from failure

    def put_immutable(self, key: str, data: Data) -> None:
        """Write an object under a random key.

        Raises
        ------
        CommitContended
            If the store failed every try.
        StoreError
            If it refuses.
        """
        failure: StoreError | None = None
        for tried in range(self.policy.tries):
            try:
                return self.store.put_if_none_match(key, data)
            except PreconditionFailed:
                return None  # Nobody else knows this key: an earlier try got there, and its answer was lost.
            except (Conflict, StoreUnavailable) as error:
                failure = error
            self._pause(tried)
        raise CommitContended(
            f"{key} could not be written in {self.policy.tries} tries: {failure}"
        ) from failure

    def swap(self, key: IndexKey, etag: str | None, manifest: Manifest) -> None:
        """Put a manifest in the place of the one with this tag, or where there is none.

        Raises
        ------
        StoreError
            If that did not happen, or it is not known whether it did.
        """
        if etag is None:
            self.store.put_if_none_match(key.manifest, manifest.encode())
        else:
            self.store.put_if_match(key.manifest, manifest.encode(), etag)

    def _pause(self, tried: int) -> None:
        policy = self.policy
        self.sleep(
            full_jitter(tried, base_seconds=policy.base_seconds, cap_seconds=policy.cap_seconds, rng=self.rng)
        )
