"""What the tests of upgrades use of the current code, and how it is called: nothing else imports it here."""

from glimpse.index import (
    Filter,
    IndexExport,
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    VectorBatch,
)
from glimpse.index.admin.image_ids import image_ids

from deployment.settings import ROOT
from tests.e2e.stack import Stack, glimpse
from tests.unit.index.memory_store import MemoryStore
from tests.upgrades.cloud import Parts

PARTS = Parts()

__all__ = [
    "PARTS",
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
