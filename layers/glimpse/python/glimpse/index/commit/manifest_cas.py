"""Compare-and-swap of the manifest by a conditional put: the only way an index changes."""

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
    """The result of a commit.

    Attributes
    ----------
    version : int
        The manifest's sequence number: readers see the change from this version on. 0 if nothing was ever
        committed.
    epoch : int
        The index's epoch.
    is_compaction_due : bool
        Whether the index should be compacted now. Only one commit in several reports this, so that the caller
        can act on each report.
    is_due_at_rest : bool
        Whether the index should be compacted once no more commits arrive.
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
    """A manifest as read: `etag` is None if there is none, `manifest` also if it is damaged."""

    manifest: Manifest | None
    etag: str | None
    epoch: int
    sequence: int


Follow = Callable[[CurrentManifest], Manifest | Commit]
"""Takes the current manifest and returns the next one, or a commit if nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Swapper:
    """Reads and swaps manifests, and writes the objects that they name.

    Attributes
    ----------
    store : ObjectStore
        The bucket.
    policy : RetryPolicy
        How many times a write is tried, and the backoff between tries.
    clock, sleep, rng
        Time in seconds, the wait between tries, and the source of jitter.
    """

    store: ObjectStore
    policy: RetryPolicy = RetryPolicy()
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def read(self, key: IndexKey, *, even_damaged: bool = False) -> CurrentManifest:
        """Read a manifest.

        With `even_damaged`, a damaged manifest is no error. Its unknown counters continue from the clock in
        milliseconds, which exceeds any count.

        Raises
        ------
        FormatError
            If the manifest is unusable.
        StoreError
            If the store refuses the request or does not answer.
        """
        stored = self.store.get(key.manifest)
        if stored is None:
            return CurrentManifest(None, None, 0, 0)
        try:
            manifest = Manifest.parse(stored.data, key)
        except ObjectDamaged:
            if not even_damaged:
                raise
            _logger.warning("%s is damaged; it will be replaced", key.manifest, exc_info=True)
            counter = int(self.clock() * 1000)
            return CurrentManifest(None, stored.etag, counter, counter)
        return CurrentManifest(manifest, stored.etag, manifest.epoch, manifest.sequence)

    def swap_until_done(self, key: IndexKey, follow: Follow, *, even_damaged: bool = False) -> Commit:
        """Read the manifest and swap it for the one that `follow` returns, and retry until that succeeds.

        There is one more read than there are swaps: the last swap may have succeeded although its response
        was lost, and `follow` must recognise that.

        Raises
        ------
        CommitContended
            If every try failed.
        FormatError
            If the manifest is unusable.
        StoreError
            If the store refuses a request.
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
            f"{key.manifest} could not be replaced in {self.policy.tries} tries: {failure}"
        ) from failure

    def put_immutable(self, key: str, data: Data) -> None:
        """Write an object under a random key.

        Raises
        ------
        CommitContended
            If the store failed every try.
        StoreError
            If the store refuses the request.
        """
        failure: StoreError | None = None
        for tried in range(self.policy.tries):
            try:
                return self.store.put_if_none_match(key, data)
            except PreconditionFailed:
                return None  # The key is ours alone: an earlier try succeeded, and its response was lost.
            except (Conflict, StoreUnavailable) as error:
                failure = error
            self._pause(tried)
        raise CommitContended(
            f"{key} could not be written in {self.policy.tries} tries: {failure}"
        ) from failure

    def swap(self, key: IndexKey, etag: str | None, manifest: Manifest) -> None:
        """Replace the manifest if its ETag is still `etag`, or create it if `etag` is None.

        Raises
        ------
        Conflict
            If the manifest has changed or is gone, one exists already although `etag` is None, or another
            write was in progress.
        StoreError
            If the store refuses the request, or the outcome is unknown.
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
