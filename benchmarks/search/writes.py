"""What it costs to write an index: images arriving in small batches, each its own commit.

Counts every byte that writers and compaction put into the bucket, over the size of the index that remains.
Compaction runs in a thread of its own beside the writer, as the queue would have it run, whenever a commit
says that it is due; at the end it runs once more, at rest. Prints a table and, as the last line, JSON.
"""

import argparse
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from glimpse.index import Compacted, IndexKey, IndexMaintenance, IndexReader, IndexWriter, VectorBatch
from glimpse.index.format.manifest import Manifest

from benchmarks.search.bucket import MemoryBucket

Vectors = npt.NDArray[np.float32]

KEY = IndexKey("bench", "space", 1, 1)
ANSWER_MS = 2.0
"""How long a request takes: a fifth of S3's 10 ms or more. In no time at all, one writer commits 400 times a
second, ten times what S3 would let it, and merges, which compute, fall behind: manifests get longer."""

BARS = {
    "vector_write_amplification": 3.5,
    "manifest_write_amplification": 1.5,
    "live_segments_max": 200,
    "live_segments_at_rest": 20,
}


def manifest_of(store: MemoryBucket) -> Manifest:
    """Return the manifest as it is now."""
    return Manifest.parse(store.objects[KEY.manifest], KEY)


def unit_vectors(count: int, dimension: int) -> Vectors:
    """Return (count, dimension) float32 vectors of unit length, always the same."""
    vectors = np.random.default_rng(7).standard_normal((count, dimension), dtype=np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def stream(store: MemoryBucket, vectors: Vectors, batch: int) -> dict[str, float]:
    """Commit all vectors, compacting beside it, and return what that took."""
    writer, keeper = IndexWriter(store, merge_readers=1), IndexMaintenance(store, readers=1)
    compactions: list[Compacted] = []
    running: Future[Compacted] | None = None
    slowest = 0.0
    began = time.perf_counter()
    with ThreadPoolExecutor(1) as pool:
        for start in range(0, len(vectors), batch):
            part = vectors[start : start + batch]
            ids = np.arange(start, start + len(part))
            at = time.perf_counter()
            commit = writer.begin(KEY).commit(VectorBatch(ids, part, np.zeros(len(part), np.int64)))
            slowest = max(slowest, time.perf_counter() - at)
            if commit.is_compaction_due and (running is None or running.done()):
                running = pool.submit(keeper.compact, KEY)
                running.add_done_callback(lambda done: compactions.append(done.result()))
    streamed = time.perf_counter() - began
    live_before = len(manifest_of(store).segments)
    began = time.perf_counter()
    rest = keeper.compact(KEY, at_rest=True)
    return {
        "stream_s": streamed,
        "slowest_commit_s": slowest,
        "rest_s": time.perf_counter() - began,
        "compactions": len(compactions),
        "merges": sum(done.merges for done in compactions) + rest.merges,
        "overtaken": sum(done.overtaken for done in compactions) + rest.overtaken,
        "live_segments_before_rest": live_before,
    }


def measure(
    images: int, batch: int = 10, dimension: int = 512, answer_ms: float = ANSWER_MS
) -> dict[str, float]:
    """Return the figures of one stream of images."""
    store = MemoryBucket(answer_ms / 1e3)
    vectors = unit_vectors(images, dimension)
    taken = stream(store, vectors, batch)
    manifest = manifest_of(store)
    size = sum(entry.bytes for entry in manifest.segments)
    report = IndexMaintenance(store).check(KEY)
    if report.errors or report.batch is None or len(report.batch) != images:
        raise RuntimeError(f"the index is not what was written: {report.errors}")
    answer = IndexReader(store, disk_budget_bytes=0).search([KEY], vectors[-1], 1)
    if answer.problems or answer.hits[0].image_id != images - 1:
        raise RuntimeError(f"the last image is not found: {answer.problems}")
    return {
        "images": images,
        "batch": batch,
        "dimension": dimension,
        "answer_ms": answer_ms,
        "index_bytes": size,
        "vector_write_amplification": store.put_bytes["segments"] / size,
        "manifest_write_amplification": store.put_bytes["manifest.json"] / size,
        "log_write_amplification": store.put_bytes["attempts"] / size,
        "live_segments_max": max(store.live),
        "live_segments_mean": float(np.mean(store.live)),
        "live_segments_at_rest": len(manifest.segments),
        "puts_per_commit": sum(store.puts.values()) / (images / batch),
        **taken,
    }


def show(figures: dict[str, float]) -> None:
    """Print figures, and the bars beside those that have one."""
    for name, value in figures.items():
        bar = f"   at most {BARS[name]}" if name in BARS else ""
        print(f"{name:32}{value:>14,.2f}{bar}")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--answer-ms", type=float, default=ANSWER_MS, help="how long the bucket takes")
    options = parser.parse_args()
    figures = measure(options.images, options.batch, options.dimension, options.answer_ms)
    show(figures)
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
