"""A vector index in a folder of this machine: vectors in, searches, a deletion, a compaction. Nothing of AWS.

Run it from a checkout, or with the package alone (``pip install '.[index]'``)::

    python docs/examples/local_index.py [FOLDER]

The index lies in FOLDER, or else in a temporary folder.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from glimpse.index import (
    Filter,
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    LocalFolderStore,
    VectorBatch,
    combine,
)

DIMENSION = 64
COMMITS, IMAGES = 20, 50
DAY = 24 * 3600


def commit_images(writer: IndexWriter, key: IndexKey) -> np.ndarray:
    """Commit 20 batches of 50 images each, and return the vectors of all: row n is image n."""
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((COMMITS * IMAGES, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number in range(COMMITS):
        image_ids = np.arange(number * IMAGES, (number + 1) * IMAGES)
        taken_at = image_ids * DAY  # seconds since 1970: image n was taken on day n
        commit = writer.begin(key).commit(VectorBatch(image_ids, vectors[image_ids], taken_at))
    print(f"committed {len(vectors)} images; the index has version {commit.version}")
    return vectors


def search(reader: IndexReader, key: IndexKey, vectors: np.ndarray) -> None:
    """Search by one vector, by a sum of two, and by time."""
    answer = reader.search([key], vectors[123], top_k=3)
    print("nearest to image 123:", [(hit.image_id, round(hit.score, 3)) for hit in answer.hits])
    direction = combine(vectors[[123, 456]], [1.0, 0.9])
    answer = reader.search([key], direction, top_k=2)
    print("nearest to a sum of 123 and 456:", [hit.image_id for hit in answer.hits])
    first_days = Filter(taken_from=0, taken_until=100 * DAY)
    answer = reader.search([key], vectors[123], top_k=3, only=first_days)
    print("of the first 100 days:", all(hit.image_id < 100 for hit in answer.hits))


def main(folder: Path) -> None:
    """Make an index in a folder, and use it."""
    store = LocalFolderStore(folder)
    key = IndexKey(namespace="example", space_id="random-64", user_id=1, folder_id=1)
    writer, maintenance = IndexWriter(store), IndexMaintenance(store)
    reader = IndexReader(store, disk_budget_bytes=0)  # the objects are on this disk already

    vectors = commit_images(writer, key)
    search(reader, key, vectors)

    version = writer.begin(key).commit(removed=[123]).version
    answer = reader.search([key], vectors[123], top_k=3, versions={key: version})
    print("found after it was removed:", 123 in [hit.image_id for hit in answer.hits])

    before = maintenance.check(key).spans
    after = maintenance.compact(key, whole=True).spans
    report = maintenance.check(key)
    print(f"compacted: {before} spans became {after}")
    print(f"checked: {report.vectors} vectors, {len(report.errors)} errors")

    writer.delete(key)
    print("found after the index was deleted:", len(reader.search([key], vectors[5], top_k=3).hits))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
