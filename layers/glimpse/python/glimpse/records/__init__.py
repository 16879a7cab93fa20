"""Images, folders and jobs in DynamoDB. Callers see stores and plain values, never pynamodb."""

from glimpse.records.folders import FolderStore
from glimpse.records.images import ImageStore, is_newer
from glimpse.records.jobs import JobStore
from glimpse.records.others import OtherImageStore, other_index_name, parts_of
from glimpse.records.shares import ShareStore
from glimpse.records.spaces import SpaceStore
from glimpse.records.types import (
    Backfill,
    FileFacts,
    FolderGone,
    FolderRecord,
    FolderStatus,
    FolderStillActive,
    ImageFailure,
    ImageRecord,
    ImageStatus,
    JobRecord,
    JobStatus,
    Permission,
    RecordsContended,
    ShareRecord,
    SpacesChanged,
)

__all__ = [
    "Backfill",
    "FileFacts",
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
    "OtherImageStore",
    "Permission",
    "RecordsContended",
    "ShareRecord",
    "ShareStore",
    "SpaceStore",
    "SpacesChanged",
    "is_newer",
    "other_index_name",
    "parts_of",
]
