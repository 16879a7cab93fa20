"""An index as the product's own writers and compaction leave it, and a reader that has all of it at hand."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from glimpse.index import IndexKey, IndexMaintenance, IndexReader, IndexWriter, VectorBatch
from glimpse.index.format.manifest import Manifest

from benchmarks.search.bucket import MemoryBucket
from benchmarks.search.curves import Vectors

COMMIT_IMAGES = 5_000
UNKNOWN_TIME = -(2**63)
_MEMORY_BYTES = 4 * 2**30
_DISK_BYTES = 8 * 2**30


@dataclass(frozen=True, slots=True)
class Built:
    """An index, and the seconds that its commits, and then its compaction, took."""

    bucket: MemoryBucket
    commit_s: float
    compact_s: float


def build(key: IndexKey, images: Vectors) -> Built:
    """Commit images in batches, the row being the id, and compact them to one segment."""
    bucket = MemoryBucket()
    writer = IndexWriter(bucket)
    began = time.perf_counter()
    for start in range(0, len(images), COMMIT_IMAGES):
        part = images[start : start + COMMIT_IMAGES]
        ids = np.arange(start, start + len(part))
        writer.begin(key).commit(VectorBatch(ids, part, np.full(len(part), UNKNOWN_TIME)))
    committed = time.perf_counter()
    keeper = IndexMaintenance(bucket)
    keeper.compact(key, whole=True)
    compacted = time.perf_counter()
    # What a merge replaced: the sweep's grace period is longer than a benchmark.
    named = set(_segments(bucket, key))
    bucket.delete([k for k in bucket.objects if k.endswith(".seg") and k not in named])
    if len(named) != 1:
        raise RuntimeError(f"compaction left {len(named)} segments")
    return Built(bucket, committed - began, compacted - committed)


def _segments(bucket: MemoryBucket, key: IndexKey) -> list[str]:
    manifest = Manifest.parse(bucket.objects[key.manifest], key)
    return [key.object(entry.key) for entry in manifest.segments]


@dataclass(frozen=True, slots=True)
class Warm:
    """A reader that has read everything: its memory, and what it maps from disk, in bytes for each vector."""

    reader: IndexReader
    memory: float
    mapped: float


def warm(bucket: MemoryBucket, key: IndexKey, count: int, folder: Path) -> Warm:
    """Return a warm reader of an index of `count` vectors."""
    reader = IndexReader(
        bucket, memory_budget_bytes=_MEMORY_BYTES, disk_budget_bytes=_DISK_BYTES, disk_dir=folder
    )
    if problems := reader.warm([key], whole=True):
        raise RuntimeError(f"the index is not sound: {problems[0]}")
    usage = reader.usage()
    return Warm(reader, usage.memory_bytes / count, usage.mapped_bytes / count)
