"""What the records look like outside this package: plain values, no trace of DynamoDB."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


class FolderGone(Exception):  # noqa: N818 - named for what happened
    """The folder was erased, or is being erased: nothing can be added to it."""


class FolderStillActive(Exception):  # noqa: N818 - named for what happened
    """The folder is not being erased, so its record must stay."""


class RecordsContended(Exception):  # noqa: N818 - named for what happened
    """Others kept changing the same records; nothing was written, and trying again later is safe."""


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
    sequencer
        The S3 event that the status answers to; see :func:`glimpse.records.is_newer`.
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


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """One folder of images; `index_version` is the manifest sequence of the newest acknowledged commit."""

    folder_id: int
    owner_id: int
    folder_name: str
    created_at: datetime
    status: FolderStatus = FolderStatus.ACTIVE
    index_version: int = 0
    image_count: int = 0
    is_public: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ImageFailure:
    """An image of a job that can't be searched, and why."""

    image_id: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One upload: how many images it announced, and how many are INDEXED or FAILED by now."""

    job_id: int
    user_id: int
    folder_id: int
    total_images: int
    created_at: datetime
    expires_at: datetime
    processed_images: int = 0
    failures: tuple[ImageFailure, ...] = ()

    @property
    def status(self) -> JobStatus:
        """How far the job is."""
        if self.processed_images < self.total_images:
            return JobStatus.PROCESSING if self.processed_images else JobStatus.PENDING
        return JobStatus.FAILED if len(self.failures) >= self.total_images else JobStatus.COMPLETED
