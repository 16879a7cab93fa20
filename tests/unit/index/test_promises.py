"""What large segments promise: measured when they are written, kept by searches, measured again."""

import json
from pathlib import Path

import numpy as np
import pytest
from glimpse.index import Defect, Effort, IndexKey, IndexMaintenance, IndexReader, ObjectDamaged, VectorBatch
from glimpse.index.format import container
from glimpse.index.segments import ivf_build
from glimpse.index.segments.ivf import Head

from tests.unit.index.inverted_index import commit_inverted
from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of, unit_vectors

COUNT, DIMENSION = 6_000, 32
TOP = 10


def vectors(kind: str) -> np.ndarray:
    """Vectors without structure, and in clusters around a cone."""
    noise = unit_vectors(COUNT, seed=1, dimension=DIMENSION)
    if kind == "random":
        return noise
    centres = unit_vectors(40, seed=2, dimension=DIMENSION)
    mixed = 0.6 * centres[np.arange(COUNT) % 40] + 0.4 * noise + 0.5 * centres[0]
    made: np.ndarray = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return made


@pytest.fixture(scope="module", params=["random", "clustered"])
def batch(request: pytest.FixtureRequest) -> VectorBatch:
    return VectorBatch(np.arange(COUNT), vectors(request.param), np.zeros(COUNT, np.int64))


@pytest.fixture(scope="module")
def queries(batch: VectorBatch) -> np.ndarray:
    """Images of the folder, blurred: as near to them as texts are."""
    rng = np.random.default_rng(7)
    blurred = batch.vectors[rng.choice(COUNT, 60)] + 0.9 * unit_vectors(60, seed=8, dimension=DIMENSION)
    made: np.ndarray = (blurred / np.linalg.norm(blurred, axis=1, keepdims=True)).astype(np.float32)
    return made


def recall_of(
    reader: IndexReader, key: IndexKey, batch: VectorBatch, queries: np.ndarray, recall: float
) -> float:
    found = 0
    for query in queries:
        nearest = set(np.argsort(-(batch.vectors @ query))[:TOP].tolist())
        answer = reader.search([key], query, TOP, recall=recall)
        assert (answer.recall, answer.approximate) == (recall, None)
        found += len(nearest & {hit.image_id for hit in answer.hits})
    return found / (TOP * len(queries))


def test_searches_find_what_is_promised(
    store: MemoryStore, key: IndexKey, batch: VectorBatch, queries: np.ndarray, tmp_path: Path
) -> None:
    name = commit_inverted(store, key, batch)
    reader = IndexReader(store, disk_dir=tmp_path)
    assert reader.warm([key], whole=True) == []
    for recall in (0.95, 0.98):
        assert recall_of(reader, key, batch, queries, recall) >= recall - 0.005
    some, more = Head.decode(store.objects[name], len(store.objects[name]), key.space_id).promises
    assert (some.recall, more.recall) == (0.95, 0.98)
    assert some.lists * some.candidates <= more.lists * more.candidates
    # A made-up effort, of which nothing is promised.
    assert reader.search([key], queries[0], 5, effort=Effort(1, 1)).recall is None


def test_the_check_measures_again(
    store: MemoryStore, key: IndexKey, maintenance: IndexMaintenance, batch: VectorBatch
) -> None:
    commit_inverted(store, key, batch)
    report = maintenance.check(key)
    assert report.findings == []
    assert [m.promise.recall for m in report.measured if m.promise] == [0.95, 0.98]
    assert all(m.promise and m.recall and m.recall >= m.promise.recall - 0.02 for m in report.measured)


def promising(data: bytes, promises: object) -> bytes:
    """The same segment with other promises in its header."""
    layout = container.lay_out(data, len(data), "inverted", 1, ("lists",))
    header = dict(layout.header)
    del header["promises"]
    if promises is not None:
        header["promises"] = promises
    text = json.dumps(header, separators=(",", ":")).encode()
    length = int.from_bytes(data[8:12], "little")
    assert len(text) <= length
    return data[:12] + text.ljust(length) + data[12 + length :]


def test_a_promise_that_is_not_kept_is_a_note(
    store: MemoryStore, key: IndexKey, maintenance: IndexMaintenance, batch: VectorBatch
) -> None:
    commit_inverted(
        store, key, batch, with_head=False,
        change=lambda data: promising(data, [{"recall": 0.95, "lists": 2, "candidates": 10}]),
    )  # fmt: skip
    report = maintenance.check(key)
    assert [finding.defect for finding in report.findings] == [Defect.SHORT]
    assert report.is_sound


def test_segments_of_earlier_versions_promise_nothing(
    store: MemoryStore, key: IndexKey, maintenance: IndexMaintenance, reader: IndexReader, batch: VectorBatch
) -> None:
    commit_inverted(store, key, batch, with_head=False, change=lambda data: promising(data, None))
    answer = reader.search([key], batch.vectors[5], 5)
    assert (answer.hits[0].image_id, answer.recall, answer.problems) == (5, None, [])
    (measured,) = maintenance.check(key).measured
    assert measured.promise is None


@pytest.mark.parametrize(
    "promises",
    [5, [5], ["x"], [{"recall": 0.95}], [{"recall": 2, "lists": 1, "candidates": 1}],
     [{"recall": 0.9, "lists": 0, "candidates": 1}], [{"recall": "x", "lists": 1, "candidates": 1}],
     [{"recall": 0.9, "lists": float("inf"), "candidates": 1}]],
)  # fmt: skip
def test_promises_that_cannot_be_are_damage(promises: object) -> None:
    data = promising(b"".join(ivf_build.encode(batch_of(range(300)), "space-1")), promises)
    with pytest.raises(ObjectDamaged):
        Head.decode(data, len(data), "space-1")
