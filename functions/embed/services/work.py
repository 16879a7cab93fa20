"""What the services hand to one another: events, their outcomes, and the tools of the trade."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from glimpse.index import IndexWriter, VectorBatch
from glimpse.keys import UploadKey

from functions.embed.services.ports import Folders, Images, Objects
from functions.embed.services.preparing import Prepared, Preparer


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
        Commits to indexes.
    preparer
        Makes vectors of files.
    namespace, space_id
        The indexes of Glimpse's own folders, in an embedding space of the preparer's.
    """

    images: Images
    folders: Folders
    objects: Objects
    writer: IndexWriter
    preparer: Preparer
    namespace: str
    space_id: str

    def embed(self, image_ids: Sequence[int], prepared: Sequence[Prepared]) -> VectorBatch | None:
        """Return the vectors of prepared pictures under their ids, or None if there are none."""
        if not prepared:
            return None
        return VectorBatch(
            np.array(image_ids, np.int64),
            np.stack([picture.vectors[self.space_id] for picture in prepared]),
            np.array([picture.taken_at for picture in prepared], np.int64),
        )
