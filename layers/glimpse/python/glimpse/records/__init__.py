"""Images, folders and jobs in DynamoDB: stores on the outside, pynamodb on the inside."""

from glimpse.records.folders import FolderStore
from glimpse.records.images import ImageStore, is_newer
from glimpse.records.jobs import JobStore
from glimpse.records.types import (
    FolderGone,
    FolderRecord,
    FolderStatus,
    FolderStillActive,
    ImageFailure,
    ImageRecord,
    ImageStatus,
    JobRecord,
    JobStatus,
    RecordsContended,
)

__all__ = [
    "FolderGone",
    "FolderRecord",
    "FolderStatus",
    "FolderStillActive",
    "FolderStore",
    "ImageFailure",
    "ImageRecord",
    "ImageStatus",
    "ImageStore",
    "JobRecord",
    "JobStatus",
    "JobStore",
    "RecordsContended",
    "is_newer",
]
