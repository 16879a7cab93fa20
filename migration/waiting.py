"""Wait until the deployment has processed every imported image."""

import time
from collections.abc import Callable, Iterator, Sequence

from glimpse.records import ImageRecord, ImageStatus

from migration.journal import Journal, PlannedImage, State
from migration.notes import Kind, changed, skipped
from migration.pictures import SETTLED
from migration.storage.stores import Stores

_PAGE = 1000
_LOOK_SECONDS = 2.0
_PATIENCE_SECONDS = 900.0
"""The longest wait without progress: a message whose worker was killed stays invisible for 12 minutes."""


def wait(
    stores: Stores,
    journal: Journal,
    waiting: Callable[[int], None],
    *,
    patience_seconds: float = _PATIENCE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Record the outcome of every stored image.

    Parameters
    ----------
    stores, journal
        The deployment, and the import's journal.
    waiting
        Called with the number of images left.
    patience_seconds
        The longest wait without progress; 0 looks only once.
    clock, sleep
        Return the time in seconds, and wait.

    Returns
    -------
    bool
        Whether all images are finished.
    """
    # Failed images may have been tried again since.
    journal.set_state(journal.failed(), State.STORED)
    moved_at, left = clock(), -1
    while True:
        remaining = _look(stores, journal)
        if not remaining:
            return True
        if remaining != left:
            moved_at, left = clock(), remaining
            waiting(remaining)
        if clock() - moved_at >= patience_seconds:
            return False
        sleep(_LOOK_SECONDS)


def _look(stores: Stores, journal: Journal) -> int:
    """Record the finished images, and return how many are unfinished."""
    left = 0
    folders = {entry.old: entry.new for entry in journal.entries(Kind.FOLDER)}
    for images in _pages(journal.unfinished()):
        pairs = {(folders[image.folder], image.new): image for image in images}
        found = stores.images.get_many(pairs)
        by_state: dict[State, list[PlannedImage]] = {}
        for pair, image in pairs.items():
            by_state.setdefault(_state(found.get(pair)), []).append(image)
        left += len(by_state.pop(State.STORED, []))
        journal.observe(
            changed(Kind.IMAGE, image.old, found[folders[image.folder], image.new].reason or "it failed")
            for image in by_state.get(State.FAILED, [])
        )
        journal.note(
            skipped(Kind.IMAGE, image.old, "it was deleted here in the meantime")
            for image in by_state.get(State.DELETED, [])
        )
        journal.set_reused(image for pair, image in pairs.items() if _is_reused(found.get(pair)))
        for state, finished in by_state.items():
            journal.set_state(finished, state)
    return left


def _state(record: ImageRecord | None) -> State:
    if record is None:
        return State.DELETED
    return {
        ImageStatus.PENDING: State.STORED,
        ImageStatus.INDEXED: State.INDEXED,
        ImageStatus.FAILED: State.FAILED,
    }[record.status]


def _is_reused(record: ImageRecord | None) -> bool:
    return record is not None and record.status is ImageStatus.INDEXED and record.sequencer == SETTLED


def _pages(images: Sequence[PlannedImage]) -> Iterator[Sequence[PlannedImage]]:
    for start in range(0, len(images), _PAGE):
        yield images[start : start + _PAGE]
