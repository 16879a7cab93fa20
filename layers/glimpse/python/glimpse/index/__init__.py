"""The vector index: immutable segments and one manifest per folder, as objects in a bucket.

Writers commit by the protocol of :mod:`glimpse.index.writer`; readers cache what never changes. The objects
are specified in ``docs/index-format.md``.
"""

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
from glimpse.index.layout import IndexKey
from glimpse.index.listing import Kept, image_ids
from glimpse.index.ranking import Hit
from glimpse.index.reader import Answer, IndexReader, Problem
from glimpse.index.s3 import S3ObjectStore
from glimpse.index.segment import VectorBatch
from glimpse.index.store import ObjectStore
from glimpse.index.swap import Commit, RetryPolicy
from glimpse.index.writer import Attempt, IndexWriter

__all__ = [
    "Answer",
    "Attempt",
    "AttemptExpired",
    "Commit",
    "CommitContended",
    "CommitError",
    "EpochChanged",
    "FormatError",
    "GlimpseIndexError",
    "Hit",
    "IndexKey",
    "IndexReader",
    "IndexWriter",
    "Kept",
    "ObjectDamaged",
    "ObjectForeign",
    "ObjectMissing",
    "ObjectStore",
    "ObjectUnsupported",
    "Problem",
    "RetryPolicy",
    "S3ObjectStore",
    "StoreError",
    "StoreUnavailable",
    "VectorBatch",
    "image_ids",
]
