"""What the records look like outside this package: plain values, no trace of DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # who reads records need not have Pillow
    from glimpse.photos.taken import Taken


class ImageStatus(StrEnum):
    """An image is PENDING until its vector is in the index, or until it is known that it never will be."""

    PENDING = "PENDING"
    INDEXED = "INDEXED"
    FAILED = "FAILED"


class FolderStatus(StrEnum):
    """An ERASING folder is hidden from everyone; what is left of it is being removed."""

    ACTIVE = "ACTIVE"
    ERASING = "ERASING"


class JobStatus(StrEnum):
    """How far an upload is; FAILED means that not one of its images could be indexed."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class FolderGone(Exception):
    """The folder was erased, or is being erased: nothing can be added to it."""


class FolderStillActive(Exception):
    """The folder is not being erased, so its record must stay."""


class RecordsContended(Exception):
    """Others kept changing the same records; nothing was written, and trying again later is safe."""


class SpacesChanged(Exception):
    """The folder's images go to other embedding spaces by now; nothing was written."""


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
        Bytes.
    reason
        Why the image FAILED, in a sentence for people.
    width, height
        Pixels of the upright original.
    taken_at
        Seconds since 1970-01-01 UTC.
    taken_local
        What a clock showed where it was taken, as in ISO 8601, or the day alone.
    taken_guessed
        Whether the time is only what the file's name looks like.
    note
        What is wrong with the file of an INDEXED image, in a sentence for people.
    sequencer
        The S3 event that the status answers to; see :func:`glimpse.records.is_newer`.
    spaces_revision
        The folder's, when the status was recorded: the image is in the index of every space that the folder
        had then.
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
    """What the bytes of an image told that its upload did not; for the fields see :class:`ImageRecord`.

    Attributes
    ----------
    content_type
        As which the file is served; None leaves what the upload said.
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
    """How far the images that a folder had are brought into the index of a space that it got later.

    Attributes
    ----------
    since
        The `spaces_revision` that the folder got with the space: an image recorded under it or a later one is
        in the index already.
    cursor
        Every image up to this id is dealt with.
    claimed
        No image beyond this id was taken up yet.
    done, left_out
        Images that were embedded, and those whose files can't be read any more.
    touched_at
        Seconds since 1970-01-01 UTC of the last step.
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
        By embedding space, the manifest sequence of the newest acknowledged commit. Its keys are the spaces
        to whose indexes the folder's images go.
    spaces_revision
        Rises whenever those keys change.
    backfills
        Of the spaces that the folder got after images; the others' indexes were complete from the start.
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
        """Tell whether all images of the folder are in its index of a space."""
        if space_id not in self.index_versions:
            return False
        backfill = self.backfills.get(space_id)
        return backfill is None or backfill.is_complete


class Permission(StrEnum):
    """What somebody may do with a folder of another user."""

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
    """An image of a job that can't be searched, and why; or, as a note, what is wrong with one that can."""

    image_id: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One upload: how many images it announced, and how many are INDEXED or FAILED by now.

    Objects of its images come until `awaited_until`, or never; None where that was not noted.
    `notes` tell of INDEXED ones.
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
        """How far the job is."""
        if self.processed_images < self.total_images:
            return JobStatus.PROCESSING if self.processed_images else JobStatus.PENDING
        return JobStatus.FAILED if len(self.failures) >= self.total_images else JobStatus.COMPLETED
