"""One uploaded object on its way into the index."""

from collections.abc import Iterable
from dataclasses import dataclass

from glimpse.keys import UploadKey, thumbnail_key
from glimpse.records import ImageRecord, ImageStatus, is_newer

from functions.embed.services.embedding.preparing import Preparation, Prepared


@dataclass(slots=True, eq=False)
class UploadedObject:
    """One object on its way.

    Attributes
    ----------
    key, sequencer
        The object's key, and the sequencer of its event.
    may_be_indexed
        Whether a commit may have put a vector of this image into the index already.
    again
        Whether to continue although the record says that this event was handled: the object was replaced.
    record, preparation
        The image's record, and what its picture was prepared into; None while unknown.
    """

    key: UploadKey
    sequencer: str
    may_be_indexed: bool = False
    again: bool = False
    record: ImageRecord | None = None
    preparation: Preparation | None = None

    @property
    def pair(self) -> tuple[int, int]:
        """The folder id and image id, the key of the image's record."""
        return self.key.folder_id, self.key.image_id

    def is_prepared_for(self, space_ids: Iterable[str]) -> bool:
        """Tell whether nothing is left to prepare for these spaces."""
        if isinstance(self.preparation, Prepared):
            return set(space_ids) <= self.preparation.vectors.keys()
        return self.preparation is not None

    @property
    def thumbnail_key(self) -> str:
        """The key of the image's thumbnail."""
        return thumbnail_key(self.key.user_id, self.key.folder_id, self.key.image_id)

    def is_settled(self, record: ImageRecord) -> bool:
        """Tell whether a record says that this event, or a newer one, was handled."""
        return record.status is not ImageStatus.PENDING and not is_newer(self.sequencer, record.sequencer)

    def is_overtaken(self, record: ImageRecord) -> bool:
        """Tell whether a record says that a newer event of this object was handled."""
        return record.sequencer is not None and is_newer(record.sequencer, self.sequencer)

    def may_be_outdated(self, record: ImageRecord) -> bool:
        """Tell whether a worker may have died between its commit of an older picture and its mark.

        A newer event's worker knew nothing of that vector and left it beside its own: what the object holds
        now has to take the place of both.
        """
        return self.may_be_indexed and self.is_overtaken(record)

    @property
    def has_vector(self) -> bool:
        """Whether the index may already hold a vector of this image, which a new one would replace."""
        # A FAILED one may have been given up between its commit and its mark.
        return self.may_be_indexed or (
            self.record is not None and self.record.status is not ImageStatus.PENDING
        )
