"""The cost of a fresh process's first query: bytes, requests, and rounds of requests that wait on others."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from glimpse.index import IndexKey, IndexReader, IndexWriter, VectorBatch

from benchmarks.search.bucket import MemoryBucket, Reads
from benchmarks.search.curves import Rows, Vectors

_THREADS = 200
"""As many as there are requests: a round is what waits for another one's answers, not for a free connection.
In the product 32 connections share a round."""

_FIRST_TAIL_ID = 10**9


@dataclass(frozen=True, slots=True)
class Cold:
    """What first queries cost, the worst and the median of each, and their recall."""

    worst: Reads
    median: Reads
    recall: float


def measure(bucket: MemoryBucket, key: IndexKey, texts: Vectors, truth: Rows, folder: Path) -> Cold:
    """Search each text with a reader that has nothing yet."""
    costs, found = [], 0
    for number, text in enumerate(texts):
        reader = IndexReader(bucket, disk_dir=folder / str(number), threads=_THREADS)
        with bucket.counting() as reads:
            answer = reader.search([key], text, truth.shape[1])
        if answer.problems:
            raise RuntimeError(f"the index is not sound: {answer.problems[0]}")
        found += len({hit.image_id for hit in answer.hits} & set(truth[number].tolist()))
        costs.append((reads.bytes, reads.requests, reads.rounds))
    worst, median = np.max(costs, axis=0).tolist(), np.median(costs, axis=0).astype(int).tolist()
    return Cold(Reads(*worst), Reads(*median), found / truth.size)


def commit_tail(bucket: MemoryBucket, key: IndexKey, commits: int, images: int, dimension: int) -> None:
    """Commit small batches, as they come in after the last compaction."""
    writer = IndexWriter(bucket)
    rng = np.random.default_rng(1)
    for commit in range(commits):
        vectors = rng.standard_normal((images, dimension), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        ids = np.arange(images) + _FIRST_TAIL_ID + commit * images
        writer.begin(key).commit(VectorBatch(ids, vectors, np.zeros(images, np.int64)))


def show(name: str, cold: Cold) -> None:
    """Print what first queries cost."""
    for which, reads in (("worst", cold.worst), ("median", cold.median)):
        print(
            f"  first query, {name}, {which}: {reads.bytes / 1e6:.2f} MB, {reads.requests} requests, "
            f"{reads.rounds} rounds"
        )
    print(f"  first query, {name}: recall@10 {cold.recall:.3f}", flush=True)
