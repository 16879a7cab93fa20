"""Mistakes that the protocol must not make, one at a time: the machine has to notice each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from glimpse.index import FormatError
from glimpse.index.compaction import merge
from glimpse.index.compaction.merge import Merger
from glimpse.index.compaction.sweep import sweep
from glimpse.index.format import commit_log, visibility
from glimpse.index.format.manifest import Manifest
from glimpse.index.writer import Attempt


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes
    ----------
    name
        What is done wrong.
    target, wrong
        What is replaced, and by what.
    errors
        How it may show besides by a judgement of the machine.
    """

    name: str
    target: str
    wrong: Any
    errors: tuple[type[BaseException], ...] = (FormatError, ExceptionGroup)

    @contextmanager
    def applied(self) -> Iterator[None]:
        with mock.patch(self.target, self.wrong):
            yield


_write_merge = merge.write_merge
_masked_up_to = visibility._masked_up_to
_merged = Merger._merged
_follow = Attempt._follow
_empty = Manifest.empty.__func__  # type: ignore[attr-defined]
_absorbed = commit_log.absorbed


def _sequence_too_high(*arguments: Any) -> Any:
    *others, (first, last) = arguments
    return _write_merge(*others, (first, last + 1))


def _masks_its_own(*arguments: Any) -> Any:
    limits = _masked_up_to(*arguments)
    return limits + (limits > 0)


def _without_tombstones(*arguments: Any) -> Any:
    merged, removed = _merged(*arguments)
    return merged, np.empty_like(removed[:0])


def _in_any_epoch(self: Attempt, found: Any, change: Any) -> Any:
    self.epoch = found.epoch
    return _follow(self, found, change)


def _same_epoch(key: Any, attempt: Any, *, epoch: int, sequence: int) -> Manifest:
    lower = max(epoch - 1, 0)
    manifest: Manifest = _empty(Manifest, key, attempt, epoch=lower, sequence=sequence)
    return manifest


def _forgetful(store: Any, key: Any, span: Any, now: float, oldest: float) -> Any:
    return _absorbed(store, key, span, now, float("inf"))


def _impatient(swapper: Any, key: Any, grace_seconds: float) -> Any:
    return sweep(swapper, key, -grace_seconds)


_never: Callable[..., None] = lambda *_: None  # noqa: E731

MUTANTS = [
    Mutant("no look at logs after a lost answer", "glimpse.index.writer.Attempt._absorbed", _never),
    Mutant("a sweep takes what is young", "glimpse.index.admin.maintenance.sweep", _impatient),
    Mutant("a merge's number is too high", "glimpse.index.compaction.merge.write_merge", _sequence_too_high),
    Mutant(
        "a tombstone masks its own commit", "glimpse.index.format.visibility._masked_up_to", _masks_its_own
    ),
    Mutant(
        "a merge goes on without its inputs", "glimpse.index.compaction.merge._names_all", lambda *_: True
    ),
    Mutant("a merge drops tombstones", "glimpse.index.compaction.merge.Merger._merged", _without_tombstones),
    Mutant("a commit lands in a later epoch", "glimpse.index.writer.Attempt._follow", _in_any_epoch),
    Mutant("a deletion keeps the epoch", "glimpse.index.format.manifest.Manifest.empty", _same_epoch),
    Mutant(
        "logs forget what earlier merges absorbed", "glimpse.index.format.commit_log.absorbed", _forgetful
    ),
    Mutant("old attempts go on", "glimpse.index.writer.Attempt._check_age", _never),
]
