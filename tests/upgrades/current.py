"""What the tests of upgrades use of the current code, and how it is called: nothing else imports it here."""

from glimpse.index import (
    Filter,
    IndexKeeper,
    IndexKey,
    IndexReader,
    IndexWriter,
    Unloading,
    VectorBatch,
)
from glimpse.index.listing import image_ids

from local.settings import ROOT
from tests.e2e.stack import Stack, glimpse
from tests.unit.index.memory_store import MemoryStore
from tests.upgrades.cloud import Parts

PARTS = Parts()

__all__ = [
    "PARTS",
    "ROOT",
    "Filter",
    "IndexKeeper",
    "IndexKey",
    "IndexReader",
    "IndexWriter",
    "MemoryStore",
    "Stack",
    "Unloading",
    "VectorBatch",
    "glimpse",
    "image_ids",
]
