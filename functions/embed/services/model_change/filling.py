"""What both backfills do with a batch of images: embed, commit, look again, as often as they change."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol, TypeVar

from glimpse.ingest import ROUNDS, Ingestion

from functions.embed.services.embedding.preparing import Prepared, vector_batch
from functions.embed.storage.objects import StorageUnavailable

_T = TypeVar("_T")


class Batch(Protocol):
    """Where images of a batch are, and what became of them meanwhile."""

    def prepare(self, image_ids: Sequence[int]) -> dict[int, Prepared]:
        """Return the images that can be read, embedded; the others are left out."""

    def deleted(self, image_ids: Sequence[int], ready: Mapping[int, Prepared]) -> Collection[int]:
        """Look again at the images of a round, and return those that are embedded and were deleted."""

    def replaced(self, ready: Mapping[int, Prepared]) -> Sequence[int]:
        """Return the embedded images whose files were replaced meanwhile."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How many images are in the index now, and how many can't be read."""

    done: int = 0
    left_out: int = 0


def fill(
    ingestion: Ingestion[_T], space_id: str, image_ids: Sequence[int], known: Set[int], batch: Batch
) -> Filled:
    """Bring images into the index of one space.

    Parameters
    ----------
    ingestion
        The change under way.
    space_id
        The space.
    image_ids
        The images.
    known
        Those that may be in the index already, and are replaced.
    batch
        Where they are.

    Raises
    ------
    StorageUnavailable
        If storage does not answer, or if images keep being replaced.
    EpochChanged, GlimpseIndexError
        If the index was deleted meanwhile, or can't be used.
    """
    done = left_out = 0
    todo, replaced = list(image_ids), set(known)
    for _ in range(ROUNDS):
        ready, gone = _bring(ingestion, space_id, todo, replaced & set(todo), batch)
        left_out += len(todo) - len(ready)
        todo = list(batch.replaced(ready))
        done += len(ready.keys() - gone - set(todo))
        if not todo:
            return Filled(done, left_out)
        replaced = set(todo)
    raise StorageUnavailable(f"images of {ingestion.attempts[space_id].key.prefix} kept being replaced")


def _bring(
    ingestion: Ingestion[_T], space_id: str, image_ids: Sequence[int], replaced: Set[int], batch: Batch
) -> tuple[dict[int, Prepared], set[int]]:
    """Bring images once; return those that were embedded, and which of them were deleted meanwhile."""
    ready = batch.prepare(image_ids)
    gone: set[int] = set()

    def look_again() -> set[int]:
        gone.update(batch.deleted(image_ids, ready))
        return gone

    ingestion.bring({space_id: vector_batch(ready, space_id)}, replaced, look_again)
    return ready, gone
