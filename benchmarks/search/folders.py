"""A search over many small folders, cold and warm: bytes, requests, rounds and time.

Usage: ``python -m benchmarks.search.folders --folders 500 --images 200``. Prints, as the last line, JSON.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np
from glimpse.index import IndexKey, IndexReader, IndexWriter, VectorBatch

from benchmarks.search.bucket import MemoryBucket, Reads
from benchmarks.search.curves import Vectors
from benchmarks.search.vectors import make_vectors

UNKNOWN_TIME = -(2**63)
_REPEATS = 20
_CONNECTIONS = 32
_ANSWER_S = 0.01
"""What a request takes where time is measured; S3 takes 10 ms and more."""


def write(keys: list[IndexKey], images: Vectors) -> MemoryBucket:
    """Commit images to folders, as many to each."""
    bucket = MemoryBucket()
    writer = IndexWriter(bucket)
    for number, (key, part) in enumerate(zip(keys, np.split(images, len(keys)), strict=True)):
        ids = np.arange(len(part)) + number * len(part)
        writer.begin(key).commit(VectorBatch(ids, part, np.full(len(part), UNKNOWN_TIME)))
    return bucket


def first(bucket: MemoryBucket, keys: list[IndexKey], text: Vectors, folder: Path) -> Reads:
    """Return what a first search reads; a round is what waits for another one's answers."""
    reader = IndexReader(bucket, disk_dir=folder, threads=2 * len(keys))
    with bucket.counting() as reads:
        reader.search(keys, text, 10)
    return reads


def seconds(
    bucket: MemoryBucket, keys: list[IndexKey], texts: Vectors, folder: Path
) -> tuple[float, float, float]:
    """Return how long a first search takes, the next with all versions known, and the next without."""
    slow = MemoryBucket(_ANSWER_S)
    slow.objects = bucket.objects
    reader = IndexReader(slow, disk_dir=folder, threads=_CONNECTIONS)
    began = time.perf_counter()
    reader.search(keys, texts[0], 10)
    cold = time.perf_counter() - began
    taken = []
    for versions in (dict.fromkeys(keys, 1), None):
        each = []
        for text in texts[1 : 1 + _REPEATS]:
            began = time.perf_counter()
            reader.search(keys, text, 10, versions)
            each.append(time.perf_counter() - began)
        taken.append(float(np.median(each)))
    return cold, taken[0], taken[1]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folders", type=int, default=500)
    parser.add_argument("--images", type=int, default=200)
    chosen = parser.parse_args()
    faiss.omp_set_num_threads(1)
    images, texts = make_vectors(chosen.folders * chosen.images, 1 + _REPEATS)
    keys = [IndexKey("bench", "space", 1, number) for number in range(chosen.folders)]
    bucket = write(keys, images)
    with tempfile.TemporaryDirectory() as folder:
        one = first(bucket, keys[:1], texts[0], Path(folder) / "one")
        many = first(bucket, keys, texts[0], Path(folder) / "many")
        cold, warm, revalidated = seconds(bucket, keys, texts, Path(folder) / "timed")
    figures = {
        "folders": chosen.folders, "images": chosen.images,
        "cold_bytes": many.bytes, "cold_requests": many.requests, "cold_rounds": many.rounds,
        "cold_rounds_one_folder": one.rounds, "cold_s": round(cold, 3), "warm_ms": round(1e3 * warm, 2),
        "revalidated_ms": round(1e3 * revalidated, 1),
    }  # fmt: skip
    print(f"{chosen.folders} folders of {chosen.images} images")
    print(
        f"  first search: {many.bytes / 1e6:.1f} MB, {many.requests} requests, {many.rounds} rounds "
        f"(one folder: {one.rounds}), {cold:.2f} s by {_CONNECTIONS} connections of {_ANSWER_S} s a request"
    )
    print(f"  next: {1e3 * warm:.1f} ms; {1e3 * revalidated:.0f} ms where each manifest is asked for again")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
