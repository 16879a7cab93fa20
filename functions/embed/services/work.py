"""What the services hand to one another: events, their outcomes, and the tools of the trade."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from glimpse.index import Attempt, Commit, IndexWriter, VectorBatch
from glimpse.keys import UploadKey
from glimpse.queues import UpkeepRequests
from glimpse.records import FolderRecord, FolderStatus

from functions.embed.services.embedding.encoders import Encoders
from functions.embed.services.embedding.preparing import Postponed, Preparation, Prepared, Preparer, Source
from functions.embed.services.ports import (
    Encoder,
    Folders,
    Images,
    Objects,
    OtherImages,
    Spaces,
    StorageUnavailable,
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadEvent:
    """S3's word that an object was written.

    Attributes
    ----------
    key
        The object.
    sequencer
        Orders the events of one key; see :func:`glimpse.records.is_newer`.
    receive_count
        How often it was delivered, this time included: an earlier delivery may have done part of the work.
    """

    key: UploadKey
    sequencer: str
    receive_count: int = 1


class Outcome(StrEnum):
    """What became of an event. All but POSTPONED are final."""

    INDEXED = "indexed"
    FAILED = "failed"
    DELETED = "deleted"
    KNOWN = "known"
    FOREIGN = "foreign"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome, and why, where there is something to say."""

    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """What it takes to bring images into indexes.

    Attributes
    ----------
    images, folders, objects
        Where records and files are.
    writer
        Begins changes of indexes.
    upkeep
        Asks for what a changed index needs.
    spaces
        To which spaces a folder's images go.
    others
        What is known of other backends' images.
    encoders
        Make vectors of pictures.
    namespace
        Of Glimpse's own folders' indexes.
    workers
        Pictures under way at once.
    """

    images: Images
    folders: Folders
    objects: Objects
    writer: IndexWriter
    upkeep: UpkeepRequests
    spaces: Spaces
    others: OtherImages
    encoders: Encoders
    namespace: str
    workers: int = 2

    def folder_with_spaces(self, folder_id: int) -> FolderRecord | None:
        """Return a folder that is not being erased, or None; one of an earlier version gets its space."""
        folder = self._active(folder_id)
        if folder is not None and not folder.spaces_revision:
            self.spaces.adopt(folder_id, next(iter(self.encoders.of_current())))
            folder = self._active(folder_id)
        return folder

    def _active(self, folder_id: int) -> FolderRecord | None:
        folder = self.folders.get(folder_id)
        return folder if folder is not None and folder.status is FolderStatus.ACTIVE else None

    def commit(
        self, attempt: Attempt, added: VectorBatch | None = None, removed: Sequence[int] = ()
    ) -> Commit:
        """Do what :meth:`Attempt.commit` does, and have the index looked after."""
        commit = attempt.commit(added, removed)
        self.upkeep.committed(attempt.key, commit)
        return commit

    def prepare(self, sources: Sequence[Source], encoders: Mapping[str, Encoder]) -> list[Preparation]:
        """Return what became of each source, in their order, with a vector for each of the encoders."""
        if not sources:
            return []
        return Preparer(self.objects, encoders, workers=self.workers).prepare(sources)

    def prepare_now(
        self, sources: Mapping[int, Source], encoders: Mapping[str, Encoder]
    ) -> dict[int, Prepared]:
        """Return the pictures among some sources, by their image ids.

        Nobody waits for one of them alone, so a source that fails for no known reason is tried once more, on
        its own, and then left out: it must not keep all others waiting for ever.

        Raises
        ------
        StorageUnavailable
            If storage does not answer: what is there is not known.
        """
        ready: dict[int, Prepared] = {}
        preparations = self.prepare(list(sources.values()), encoders)
        for (image_id, source), first in zip(sources.items(), preparations, strict=True):
            failed = isinstance(first, Postponed) and not first.is_storage
            preparation = self.prepare([source], encoders)[0] if failed else first
            match preparation:
                case Prepared():
                    ready[image_id] = preparation
                case Postponed(error, is_storage=True):
                    raise StorageUnavailable(f"image {image_id} was not read: {error}")
                case Postponed(error):
                    _logger.error("image %d is left out: %s", image_id, error)
        return ready


def vectors(pictures: Mapping[int, Prepared], space_id: str) -> VectorBatch | None:
    """Return the vectors of pictures in one space, under their image ids, or None if there are none."""
    if not pictures:
        return None
    return VectorBatch(
        np.array(list(pictures), np.int64),
        np.stack([picture.vectors[space_id] for picture in pictures.values()]),
        np.array([picture.indexed_time for picture in pictures.values()], np.int64),
    )
