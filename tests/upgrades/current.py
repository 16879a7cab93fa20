"""What the tests of upgrades use of the current code: nothing else imports it here."""

from glimpse.index import (
    Filter,
    IndexExport,
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    VectorBatch,
    image_ids,
)

from deployment.settings import ROOT
from tests.e2e.stack import Stack, glimpse
from tests.unit.index.memory_store import MemoryStore

__all__ = [
    "ROOT",
    "Filter",
    "IndexExport",
    "IndexKey",
    "IndexMaintenance",
    "IndexReader",
    "IndexWriter",
    "MemoryStore",
    "Stack",
    "VectorBatch",
    "glimpse",
    "image_ids",
]
