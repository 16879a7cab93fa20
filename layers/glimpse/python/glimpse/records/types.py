"""The records as plain values, independent of DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # reading records must not require Pillow
    from glimpse.photos.taken import Taken


class ImageStatus(StrEnum):
    """An image is PENDING until its vector is in the index (INDEXED), or certain never to be (FAILED)."""

    PENDING = "PENDING"
    INDEXED = "INDEXED"
    FAILED = "FAILED"


class FolderStatus(StrEnum):
    """An ERASING folder is hidden from everyone while it is being removed."""

    ACTIVE = "ACTIVE"
    ERASING = "ERASING"


class JobStatus(StrEnum):
    """The progress of an upload. FAILED means that none of its images could be indexed."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class FolderGone(Exception):
    """The folder was erased or is being erased, so nothing can be added to it."""


class FolderStillActive(Exception):
    """The folder is not being erased, so its record must stay."""


class RecordsContended(Exception):
    """Others kept changing the same records. Nothing was written, and a later retry is safe."""


class SpacesChanged(Exception):
    """The folder's embedding spaces have changed in the meantime; nothing was written."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One uploaded image.

    Attributes
    ----------
    name
        File name as shown to people.
    key
        The object's key in the images bucket.
    size
        Size in bytes.
    reason
        Why the image FAILED, in a sentence for people.
    width, height
        Pixels of the upright original.
    taken_at
        Seconds since 1970-01-01 UTC.
    taken_local
        Local time where the image was taken, in ISO 8601, or only the date.
    taken_guessed
        Whether the time is only guessed from the file's name.
    note
        What is wrong with the file of an INDEXED image, in a sentence for people.
    sequencer
        Sequencer of the S3 event that the status is based on; see :func:`glimpse.records.is_newer`.
    spaces_revision
        The folder's `spaces_revision` when the status was recorded: the image is in the index of every space
        that the folder had then.
    """

    folder_id: int
    image_id: int
    owner_id: int
    job_id: int
    name: str
    key: str
    content_type: str
    size: int
    created_at: datetime
    status: ImageStatus = ImageStatus.PENDING
    reason: str | None = None
    thumbnail_key: str | None = None
    width: int | None = None
    height: int | None = None
    taken_at: int | None = None
    sequencer: str | None = None
    spaces_revision: int = 0
    taken_local: str | None = None
    taken_guessed: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts from an image's bytes that its upload did not provide; for the fields see :class:`ImageRecord`.

    Attributes
    ----------
    content_type
        The media type to serve the file with; None keeps the one given at the upload.
    """

    taken_local: str | None = None
    taken_guessed: bool = False
    note: str | None = None
    content_type: str | None = None

    @classmethod
    def of(cls, taken: Taken | None, media_type: str | None, note: str | None) -> Self:
        """Return the facts of an opened photo; for the arguments see :class:`glimpse.photos.Photo`."""
        local, is_guessed = (taken.local, taken.is_guessed) if taken else (None, False)
        return cls(local, is_guessed, note, media_type)


@dataclass(frozen=True, slots=True)
class Backfill:
    """Progress of bringing a folder's earlier images into the index of a space that was added later.

    Attributes
    ----------
    since
        The `spaces_revision` with which the space was added. An image recorded at this revision or later is
        already in the index.
    cursor
        Every image up to this id is done.
    claimed
        No image beyond this id has been begun.
    done, left_out
        Number of images that were embedded, and of those whose files can't be read any more.
    touched_at
        Time of the last step, in seconds since 1970-01-01 UTC.
    is_complete
        Whether all of the folder's images are in the index.
    """

    since: int
    cursor: int = 0
    claimed: int = 0
    done: int = 0
    left_out: int = 0
    touched_at: int = 0
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """One folder of images.

    Attributes
    ----------
    index_versions
        The manifest sequence of the newest acknowledged commit, by embedding space. Its keys are the spaces
        that the folder's images are indexed in.
    spaces_revision
        Rises whenever those keys change.
    backfills
        Backfills of the spaces that were added when the folder already had images. The indexes of other
        spaces were complete from the start.
    """

    folder_id: int
    owner_id: int
    folder_name: str
    created_at: datetime
    status: FolderStatus = FolderStatus.ACTIVE
    index_versions: Mapping[str, int] = field(default_factory=dict)
    spaces_revision: int = 0
    backfills: Mapping[str, Backfill] = field(default_factory=dict)
    image_count: int = 0
    is_public: bool = False
    description: str | None = None

    def is_complete_in(self, space_id: str) -> bool:
        """Tell whether all images of the folder are in its index in a space."""
        if space_id not in self.index_versions:
            return False
        backfill = self.backfills.get(space_id)
        return backfill is None or backfill.is_complete


class Permission(StrEnum):
    """What a user may do with another user's folder."""

    VIEW = "view"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A folder that is shared with a user."""

    folder_id: int
    user_id: int
    share_id: int
    permission: Permission
    shared_at: datetime


@dataclass(frozen=True, slots=True)
class ImageFailure:
    """An image of a job that can't be searched, and why; or, as a note, a defect of one that can."""

    image_id: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One upload: how many images it announced, and how many are INDEXED or FAILED so far.

    Objects that have not arrived by `awaited_until` never will; None if that was not recorded. `notes` are
    about INDEXED images.
    """

    job_id: int
    user_id: int
    folder_id: int
    total_images: int
    created_at: datetime
    expires_at: datetime
    processed_images: int = 0
    failures: tuple[ImageFailure, ...] = ()
    awaited_until: datetime | None = None
    notes: tuple[ImageFailure, ...] = ()

    @property
    def status(self) -> JobStatus:
        """The progress of the job."""
        if self.processed_images < self.total_images:
            return JobStatus.PROCESSING if self.processed_images else JobStatus.PENDING
        return JobStatus.FAILED if len(self.failures) >= self.total_images else JobStatus.COMPLETED
