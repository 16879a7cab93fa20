"""The vector index: immutable segments and one manifest per folder, as objects in a bucket.

Writers commit by the protocol of :mod:`glimpse.index.writer`; readers cache what never changes; a keeper
merges what writers leave behind, and removes what nothing refers to. The objects are specified in
``docs/index-format.md``.
"""

from glimpse.index.answers import Answer, Problem
from glimpse.index.batches import VectorBatch
from glimpse.index.check import Finding, Report, Trouble
from glimpse.index.compaction import Compacted
from glimpse.index.cursors import Cursor, CursorError
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
from glimpse.index.filters import Filter
from glimpse.index.keeper import IndexKeeper, Needs
from glimpse.index.layout import IndexKey
from glimpse.index.listing import Kept, image_ids
from glimpse.index.lookup import Lookup
from glimpse.index.query import combine
from glimpse.index.ranking import Hit
from glimpse.index.reader import IndexReader
from glimpse.index.repair import Repaired
from glimpse.index.s3 import S3ObjectStore
from glimpse.index.stages import Effort
from glimpse.index.store import ObjectStore
from glimpse.index.swap import Commit, RetryPolicy
from glimpse.index.sweep import Swept
from glimpse.index.times import instants, packed
from glimpse.index.unloading import Unloading
from glimpse.index.walk import walk
from glimpse.index.writer import Attempt, IndexWriter

__all__ = [
    "Answer",
    "Attempt",
    "AttemptExpired",
    "Commit",
    "CommitContended",
    "CommitError",
    "Compacted",
    "Cursor",
    "CursorError",
    "Effort",
    "EpochChanged",
    "Filter",
    "Finding",
    "FormatError",
    "GlimpseIndexError",
    "Hit",
    "IndexKeeper",
    "IndexKey",
    "IndexReader",
    "IndexWriter",
    "Kept",
    "Lookup",
    "Needs",
    "ObjectDamaged",
    "ObjectForeign",
    "ObjectMissing",
    "ObjectStore",
    "ObjectUnsupported",
    "Problem",
    "Repaired",
    "Report",
    "RetryPolicy",
    "S3ObjectStore",
    "StoreError",
    "StoreUnavailable",
    "Swept",
    "Trouble",
    "Unloading",
    "VectorBatch",
    "combine",
    "image_ids",
    "instants",
    "packed",
    "walk",
]
