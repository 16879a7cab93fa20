"""Compaction: merging what writers left behind, without ever standing in their way."""

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
"""Merges in one compaction: the rest is for the next one."""


@dataclass(slots=True)
class Compacted:
    """What a compaction did.

    Attributes
    ----------
    merges : int
        Merges that got in.
    overtaken : int
        Merges that came to nothing, since another was faster.
    spans : int
        How many spans the index has now.
    is_done : bool
        Whether the index is in order now; False where it ran out of time, or others kept it busy.
    unusable : dict of str to FormatError
        Objects that can't be read, by the names that the manifest gives them. They stay where they are.
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
    """Merge what is worth merging, until nothing is.

    Any number may run at once: a window that another has merged first costs the work, and nothing else. One
    that dies leaves objects to the sweep.

    Parameters
    ----------
    merger : Merger
        The bucket.
    key : IndexKey
        The index.
    at_rest : bool
        Whether no commits are expected: fewer spans and tombstones are left then.
    whole : bool
        Whether everything shall become one span.
    seconds : float
        No merge is begun after that long.
    largest_bytes : int
        What one merge may read.

    Raises
    ------
    NoRoom
        If the folder for temporary files is full.
    AttemptExpired, CommitContended, FormatError, StoreError
        As for :meth:`glimpse.index.writer.Attempt.commit`. What was merged until then stays merged.
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
    """Return what to merge next, and of which manifest; None if the index is in order."""
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
        _logger.warning("%s is left out of compaction: %s", key.object(error.name), error.reason)
        done.unusable[error.name] = error.reason
    except OSError as error:
        raise NoSpaceLeft(
            f"a merge needs more room in {tempfile.gettempdir()} ({error}): free some, or set TMPDIR"
        ) from error
    except CommitContended:
        if not done.merges:
            raise
        done.overtaken += 1
    else:
        done.merges += commit is not None
        done.overtaken += commit is None
