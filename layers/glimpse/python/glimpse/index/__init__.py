"""The vector index: immutable segments and one manifest per folder, as objects in a bucket.

Writers commit by the protocol in :mod:`glimpse.index.writer`. Readers cache the immutable objects.
Maintenance compacts the segments that writers leave behind and sweeps objects that no manifest names. The
object formats are specified in ``docs/index-format.md``.

The bucket is on S3 (``S3ObjectStore``), or a folder on this machine (``LocalFolderStore``). Each store is
imported on first use, so an index in a folder needs no boto3.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glimpse.index.admin.check import CheckReport, Defect, Finding
from glimpse.index.admin.export import IndexExport
from glimpse.index.admin.image_ids import SegmentIdCache, image_ids
from glimpse.index.admin.list_indexes import list_indexes
from glimpse.index.admin.maintenance import IndexMaintenance, UpkeepNeeds
from glimpse.index.admin.repair import Repaired
from glimpse.index.commit.manifest_cas import Commit, RetryPolicy
from glimpse.index.compaction.run import Compacted
from glimpse.index.compaction.sweep import Swept
from glimpse.index.errors import (
    AttemptExpired,
    CommitContended,
    CommitError,
    EpochChanged,
    FormatError,
    GlimpseIndexError,
    ObjectDamaged,
    ObjectForeign,
    ObjectMissing,
    ObjectUnsupported,
    StoreError,
    StoreUnavailable,
)
from glimpse.index.format.capture_times import instants, pack_time
from glimpse.index.layout import IndexKey
from glimpse.index.read.cursor import Cursor, CursorError
from glimpse.index.read.filters import Filter
from glimpse.index.read.lookup import Lookup
from glimpse.index.read.query_vector import combine
from glimpse.index.read.reader import IndexReader
from glimpse.index.read.results import Answer, UnusableObject
from glimpse.index.read.top_k import Hit
from glimpse.index.segments.effort import Effort
from glimpse.index.store.object_store import ObjectStore
from glimpse.index.vectors import VectorBatch
from glimpse.index.writer import Attempt, IndexWriter

if TYPE_CHECKING:
    from glimpse.index.store.local_folder import LocalFolderStore
    from glimpse.index.store.s3 import S3ObjectStore

__all__ = [
    "Answer",
    "Attempt",
    "AttemptExpired",
    "CheckReport",
    "Commit",
    "CommitContended",
    "CommitError",
    "Compacted",
    "Cursor",
    "CursorError",
    "Defect",
    "Effort",
    "EpochChanged",
    "Filter",
    "Finding",
    "FormatError",
    "GlimpseIndexError",
    "Hit",
    "IndexExport",
    "IndexKey",
    "IndexMaintenance",
    "IndexReader",
    "IndexWriter",
    "LocalFolderStore",
    "Lookup",
    "ObjectDamaged",
    "ObjectForeign",
    "ObjectMissing",
    "ObjectStore",
    "ObjectUnsupported",
    "Repaired",
    "RetryPolicy",
    "S3ObjectStore",
    "SegmentIdCache",
    "StoreError",
    "StoreUnavailable",
    "Swept",
    "UnusableObject",
    "UpkeepNeeds",
    "VectorBatch",
    "combine",
    "image_ids",
    "instants",
    "list_indexes",
    "pack_time",
]

_LAZY = {
    "LocalFolderStore": "glimpse.index.store.local_folder",
    "S3ObjectStore": "glimpse.index.store.s3",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562 leaves the type to the attribute
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
