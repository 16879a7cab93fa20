"""The sweep: objects that no manifest names go, in two steps and a grace period apart.

An object is unreferenced while an attempt is under way that will name it, and again once a merge has
replaced it, when readers may still hold a manifest that names it. So a sweep *marks* what no manifest names
and what is older than twice the grace period, which no attempt can name any more; a later one removes what
was marked a grace period ago, which no search needs any more.

Marks are immutable objects, dated by the store. Any number of sweeps may run at once, and die anywhere.
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
"""How old an attempt may grow: no function runs longer."""

_ATTEMPT_AGES = 2
"""Grace periods after which no attempt can name an object any more."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did.

    Attributes
    ----------
    removed : int
        Objects that are gone.
    removed_bytes : int
        Their size.
    marked : int
        Objects that a sweep may remove a grace period from now.
    young : int
        Objects that nothing names, but an attempt may be about to.
    """

    removed: int
    removed_bytes: int
    marked: int
    young: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to sweep."""
        return not self.marked and not self.young


def sweep(swapper: Swapper, key: IndexKey, grace_seconds: float) -> Swept:
    """Remove what was marked a grace period ago, and mark what else nothing refers to.

    Parameters
    ----------
    swapper : Swapper
        The bucket.
    key : IndexKey
        The index, deleted ones included.
    grace_seconds : float
        How old an attempt may grow, and how long a search may take.

    Raises
    ------
    FormatError
        If the manifest can't be used: what it names is unknown then, and nothing is removed.
    StoreError, CommitContended
        If the store refuses, or does not answer.
    """
    now = swapper.clock()
    # Before the manifest: what a commit writes after the listing is not in it.
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
    # After what they marked: a sweep that dies in between finds them again.
    _remove(swapper, [listed[name] for name in used])
    fresh = {name for name in listed if is_marks_name(name)} - ripe
    marked_before, _ = _marked(swapper, key, fresh)
    new = sorted(old - doomed - marked_before)
    if new:
        swapper.put_immutable(key.object(marks_name(new_attempt_id())), sweep_marks.encode(new))
    return Swept(
        len(removed), sum(item.bytes for item in removed), len(old - doomed), len(unnamed) - len(old)
    )


def _remove(swapper: Swapper, items: list[Listed]) -> None:
    if items:
        swapper.store.delete([item.key for item in items])


def _marked(swapper: Swapper, key: IndexKey, from_: Iterable[str]) -> tuple[set[str], list[str]]:
    """Return the names in some marks, and which of the marks these are: those of later versions are not."""
    names: set[str] = set()
    used: list[str] = []
    for name in sorted(from_):
        stored = swapper.store.get(key.object(name))
        if stored is None:
            continue  # another sweep has used it
        try:
            names.update(sweep_marks.decode(stored.data))
        except ObjectUnsupported:
            continue
        except ObjectDamaged as error:
            # What it named is marked once more, and it goes when it is old enough.
            _logger.warning("%s marks nothing: %s", key.object(name), error)
        used.append(name)
    return names, used
