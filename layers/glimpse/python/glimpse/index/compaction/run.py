"""Runs compaction: merges what the policy chooses, without ever blocking writers."""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from glimpse.index.compaction import policy
from glimpse.index.compaction.merge import InputUnusableError, Merger
from glimpse.index.errors import CommitContended, FormatError, NoSpaceLeft
from glimpse.index.format.manifest import Manifest
from glimpse.index.format.spans import spans_of
from glimpse.index.layout import IndexKey

_logger = logging.getLogger(__name__)

_MOST_MERGES = 1000
"""Maximum merges in one compaction; the next one does the rest."""


@dataclass(slots=True)
class Compacted:
    """The result of a compaction.

    Attributes
    ----------
    merges : int
        Merges that were committed.
    overtaken : int
        Merges that were dropped because another writer or merge was faster.
    spans : int
        Number of spans in the index now.
    is_done : bool
        Whether nothing is left to merge. False if time ran out, or others kept changing the index.
    unusable : dict of str to FormatError
        Objects that can't be read, by their names in the manifest. Compaction leaves them alone.
    """

    merges: int = 0
    overtaken: int = 0
    spans: int = 0
    is_done: bool = False
    unusable: dict[str, FormatError] = field(default_factory=dict)


def compact(
    merger: Merger,
    key: IndexKey,
    *,
    at_rest: bool = False,
    whole: bool = False,
    seconds: float = float("inf"),
    largest_bytes: int = policy.LARGEST_BYTES,
) -> Compacted:
    """Merge windows of an index until the policy chooses none.

    Several compactions may run at once: one that loses a window to another only wastes its work. A compaction
    that dies leaves unreferenced objects, which a sweep removes.

    Parameters
    ----------
    merger : Merger
        Merges in the index's bucket.
    key : IndexKey
        The index.
    at_rest : bool
        Whether no commits are expected. Compaction then leaves fewer spans and tombstones.
    whole : bool
        Whether to merge everything into one span.
    seconds : float
        Begin no merge after this many seconds.
    largest_bytes : int
        The most that one merge may read.

    Raises
    ------
    NoSpaceLeft
        If the temporary directory is full.
    AttemptExpired, CommitContended, FormatError, StoreError
        As for :meth:`glimpse.index.writer.Attempt.commit`. Earlier merges stay committed.
    """
    choose = partial(policy.next_window, at_rest=at_rest, whole=whole, largest_bytes=largest_bytes)
    done = Compacted()
    until = merger.swapper.clock() + seconds
    while due := _due(merger, key, choose, done):
        if merger.swapper.clock() >= until or done.merges + done.overtaken >= _MOST_MERGES:
            break
        _merge(merger, key, *due, done)
    return done


def _due(
    merger: Merger, key: IndexKey, choose: Callable[..., policy.MergeWindow | None], done: Compacted
) -> tuple[Manifest, policy.MergeWindow] | None:
    """Return the current manifest and the window to merge next; None if there is nothing to merge."""
    manifest = merger.swapper.read(key).manifest
    window = choose(manifest, unusable=frozenset(done.unusable)) if manifest else None
    done.spans = len(spans_of(manifest)) if manifest else 0
    done.is_done = window is None
    return (manifest, window) if manifest and window else None


def _merge(
    merger: Merger, key: IndexKey, manifest: Manifest, window: policy.MergeWindow, done: Compacted
) -> None:
    try:
        commit = merger.merge(key, manifest, window)
    except InputUnusableError as error:
        _logger.warning("compaction skips %s: %s", key.object(error.name), error.reason)
        done.unusable[error.name] = error.reason
    except OSError as error:
        raise NoSpaceLeft(
            f"a merge needs more space in {tempfile.gettempdir()} ({error}): free some, or set TMPDIR"
        ) from error
    except CommitContended:
        if not done.merges:
            raise
        done.overtaken += 1
    else:
        done.merges += commit is not None
        done.overtaken += commit is None
