"""The sweep: garbage collection of unreferenced objects, in two phases a grace period apart.

An object is unreferenced in two cases where it must not be removed: an attempt in flight may be about to name
it, or a merge has replaced it while readers still hold an older manifest. So a sweep first *marks*
unreferenced objects older than twice the grace period, which no attempt can name any more. A later sweep
removes objects that were marked a grace period ago, which no search needs any more.

Marks are immutable objects, dated by the store's clock. Sweeps may run concurrently, and die at any point.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from glimpse.index.commit.manifest_cas import Swapper
from glimpse.index.errors import ObjectDamaged, ObjectUnsupported
from glimpse.index.format import sweep_marks
from glimpse.index.layout import IndexKey, is_marks_name, is_swept_name, marks_name, new_attempt_id
from glimpse.index.store.object_store import Listed

GRACE_SECONDS = 900.0
"""Maximum age of an attempt, in seconds; no function runs longer."""

_ATTEMPT_AGES = 2
"""Grace periods after which no attempt can still name an object."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """The result of a sweep.

    Attributes
    ----------
    removed : int
        Number of objects removed.
    marked : int
        Marked objects, which a sweep may remove a grace period from now.
    young : int
        Unreferenced objects that an attempt in flight may still name.
    """

    removed: int
    marked: int
    young: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to sweep."""
        return not self.marked and not self.young


def sweep(swapper: Swapper, key: IndexKey, grace_seconds: float) -> Swept:
    """Remove objects that were marked a grace period ago, and mark the other unreferenced ones.

    Parameters
    ----------
    swapper : Swapper
        Reads and writes the index's bucket.
    key : IndexKey
        The index; it may be a deleted one.
    grace_seconds : float
        Maximum age of an attempt, and maximum duration of a search.

    Raises
    ------
    FormatError
        If the manifest is unusable. Nothing is removed then, since its references are unknown.
    StoreError, CommitContended
        If the store refuses a request or does not answer.
    """
    now = swapper.clock()
    # List before reading the manifest, so that objects written after the listing are not considered.
    listed = {item.key.removeprefix(key.prefix): item for item in swapper.store.list(key.prefix)}
    manifest = swapper.read(key).manifest
    named = set(manifest.names()) if manifest else set()
    unnamed = {name: item for name, item in listed.items() if is_swept_name(name) and name not in named}
    old = {name for name, item in unnamed.items() if item.modified < now - _ATTEMPT_AGES * grace_seconds}
    ripe = {
        name for name, item in listed.items() if is_marks_name(name) and item.modified < now - grace_seconds
    }
    marked, used = _marked(swapper, key, ripe)
    doomed = old & marked
    removed = [unnamed[name] for name in sorted(doomed)]
    _remove(swapper, removed)
    # Remove marks after the objects that they list, so that a sweep which dies in between is resumed.
    _remove(swapper, [listed[name] for name in used])
    fresh = {name for name in listed if is_marks_name(name)} - ripe
    marked_before, _ = _marked(swapper, key, fresh)
    new = sorted(old - doomed - marked_before)
    if new:
        swapper.put_immutable(key.object(marks_name(new_attempt_id())), sweep_marks.encode(new))
    return Swept(len(removed), len(old - doomed), len(unnamed) - len(old))


def _remove(swapper: Swapper, items: list[Listed]) -> None:
    if items:
        swapper.store.delete([item.key for item in items])


def _marked(swapper: Swapper, key: IndexKey, from_: Iterable[str]) -> tuple[set[str], list[str]]:
    """Return the names that some marks list, and the marks that were used, which later versions' are not."""
    names: set[str] = set()
    used: list[str] = []
    for name in sorted(from_):
        stored = swapper.store.get(key.object(name))
        if stored is None:
            continue  # another sweep has removed it
        try:
            names.update(sweep_marks.decode(stored.data))
        except ObjectUnsupported:
            continue
        except ObjectDamaged as error:
            # The objects that it listed are marked again. The damaged mark is removed once it is old enough.
            _logger.warning("%s is ignored: %s", key.object(name), error)
        used.append(name)
    return names, used
