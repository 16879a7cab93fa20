"""Inverted segments: what is found, what is read for it, and what happens to damaged ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from glimpse.index import Effort, Filter, IndexKey, IndexReader, IndexWriter, VectorBatch
from glimpse.index.errors import FormatError, ObjectDamaged, ObjectForeign, ObjectUnsupported
from glimpse.index.format.segment_kinds import INVERTED_FROM, choose_kind
from glimpse.index.segments import ivf_build
from glimpse.index.segments.codec import entry_fields, read_batch
from glimpse.index.segments.ivf import Head

from tests.unit.index.inverted_index import commit_inverted
from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of, unit_vectors

COUNT = 900
QUERIES = unit_vectors(8, seed=9)
QUERY = QUERIES[0]
THOROUGH = Effort(lists=10_000, candidates=200, list_requests=10_000, vector_requests=200)


def times_of(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.where(ids % 10 == 0, np.int64(-(2**63)), ids * 100)


@pytest.fixture(scope="module")
def batch() -> VectorBatch:
    ids = np.random.default_rng(3).permutation(COUNT).astype(np.int64) * 7
    return VectorBatch(ids, unit_vectors(COUNT, seed=4), times_of(ids))


@pytest.fixture(scope="module")
def segment(batch: VectorBatch) -> bytes:
    return b"".join(ivf_build.encode(batch, "space-1"))


@pytest.fixture
def indexed(store: MemoryStore, key: IndexKey, batch: VectorBatch) -> str:
    return commit_inverted(store, key, batch)


def best(
    batch: VectorBatch, query: npt.NDArray[np.float32], count: int, keep: npt.NDArray[np.bool_]
) -> list[int]:
    scores = batch.vectors.astype(np.float16).astype(np.float32) @ query
    order = np.argsort(-np.where(keep, scores, -2))[: min(count, int(keep.sum()))]
    ids: list[int] = batch.image_ids[order].tolist()
    return ids


def everything(batch: VectorBatch) -> npt.NDArray[np.bool_]:
    return np.ones(len(batch), np.bool_)


def found(reader: IndexReader, key: IndexKey, count: int = 10, **how: object) -> list[int]:
    answer = reader.search([key], QUERY, count, **how)  # type: ignore[arg-type]
    assert answer.problems == []
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
    return [hit.image_id for hit in answer.hits]


def test_the_kind_follows_from_the_size() -> None:
    assert (choose_kind(INVERTED_FROM - 1), choose_kind(INVERTED_FROM)) == ("flat", "inverted")


@pytest.mark.parametrize("count", [1, 20, 300])
def test_few_vectors_to_learn_from_are_no_news_for_a_log(
    batch: VectorBatch, count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    few = VectorBatch(batch.image_ids[:count], batch.vectors[:count], batch.taken_at[:count])
    assert len(read_batch(b"".join(ivf_build.encode(few, "space-1")), "space-1")) == count
    assert capfd.readouterr() == ("", "")


def test_a_segment_gives_back_what_it_was_given(batch: VectorBatch, segment: bytes) -> None:
    read = read_batch(segment, "space-1")
    order, stored = np.argsort(batch.image_ids), np.argsort(read.image_ids)
    assert np.array_equal(batch.image_ids[order], read.image_ids[stored])
    assert np.array_equal(batch.taken_at[order], read.taken_at[stored])
    assert np.array_equal(batch.vectors[order].astype(np.float16), read.vectors[stored].astype(np.float16))
    assert b"".join(ivf_build.encode(batch, "space-1")) == segment


def test_a_thorough_search_finds_what_an_exact_one_does(
    reader: IndexReader, key: IndexKey, batch: VectorBatch, indexed: str
) -> None:
    expected = best(batch, QUERY, 10, everything(batch))
    assert found(reader, key, effort=THOROUGH) == expected
    assert found(reader, key, exact=True) == expected
    assert found(reader, key, 5, offset=5, exact=True) == expected[5:]


def test_a_cold_search_reads_little_and_the_next_nothing(
    store: MemoryStore, key: IndexKey, batch: VectorBatch, indexed: str, tmp_path: Path
) -> None:
    reader = IndexReader(store, disk_dir=tmp_path)
    store.requests.clear()
    effort = Effort(lists=20, candidates=60, list_requests=20, vector_requests=60)
    first = reader.search([key], QUERY, 10, {key: 1}, effort=effort)
    kinds = [kind for kind, _ in store.requests]
    assert kinds[:2] == ["get", "range"]  # the manifest, the head
    assert set(kinds[2:]) == {"range"}
    assert len(kinds) <= 2 + 20 + 60
    store.requests.clear()
    assert reader.search([key], QUERY, 10, {key: 1}, effort=effort) == first
    assert store.requests == []
    hits = [hit.image_id for hit in first.hits]
    assert len(set(hits) & set(best(batch, QUERY, 10, everything(batch)))) >= 7


def test_a_warm_reader_reads_nothing(store: MemoryStore, key: IndexKey, indexed: str, tmp_path: Path) -> None:
    reader = IndexReader(store, disk_dir=tmp_path)
    assert reader.warm([key], whole=True) == []
    store.requests.clear()
    for query in QUERIES:
        for exact in (False, True):
            assert len(reader.search([key], query, 10, {key: 1}, effort=THOROUGH, exact=exact).hits) == 10
    assert store.requests == []


def test_without_memory_and_disk_a_search_answers_all_the_same(
    store: MemoryStore, key: IndexKey, batch: VectorBatch, indexed: str, tmp_path: Path
) -> None:
    reader = IndexReader(store, memory_budget_bytes=0, disk_budget_bytes=0, disk_dir=tmp_path / "none")
    for _ in range(2):
        assert found(reader, key, effort=THOROUGH) == best(batch, QUERY, 10, everything(batch))
    assert not (tmp_path / "none").exists()


def test_a_manifest_that_does_not_name_the_head_serves_too(
    reader: IndexReader, store: MemoryStore, key: IndexKey, batch: VectorBatch
) -> None:
    commit_inverted(store, key, batch, with_head=False)
    assert found(reader, key, effort=THOROUGH) == best(batch, QUERY, 10, everything(batch))


@pytest.mark.parametrize("exact", [False, True])
def test_removed_images_make_room_for_the_next(
    reader: IndexReader, store: MemoryStore, key: IndexKey, batch: VectorBatch, indexed: str, exact: bool
) -> None:
    removed = best(batch, QUERY, 300, everything(batch))
    IndexWriter(store).begin(key).commit(removed=removed)
    left = ~np.isin(batch.image_ids, removed)
    assert found(reader, key, exact=exact, effort=THOROUGH) == best(batch, QUERY, 10, left)
    assert found(reader, key, 600, exact=True) == best(batch, QUERY, 600, left)


@pytest.mark.parametrize("how", [{}, {"exact": True}])
@pytest.mark.parametrize(
    "only",
    [
        Filter(taken_from=100_000, taken_until=300_000),
        Filter(taken_until=20_000),
        Filter(taken_from=622_000),
        Filter(image_ids=np.array([7, 70, 700, 5, 6286, 2**50])),
        Filter(taken_from=1, image_ids=np.arange(0, 3500)),
        Filter(image_ids=np.array([], np.int64)),
    ],
)
def test_a_filter_loses_nothing(
    reader: IndexReader, key: IndexKey, batch: VectorBatch, indexed: str, only: Filter, how: dict[str, bool]
) -> None:
    keep = everything(batch)
    if only.taken_from is not None:
        keep &= batch.taken_at >= only.taken_from
    if only.taken_until is not None:
        keep &= batch.taken_at < only.taken_until
    if only.taken_from is not None or only.taken_until is not None:
        keep &= batch.image_ids % 10 != 0
    if only.image_ids is not None:
        keep &= np.isin(batch.image_ids, only.image_ids)
    assert found(reader, key, only=only, **how) == best(batch, QUERY, 10, keep)


def test_a_filter_holds_for_flat_segments_too(
    reader: IndexReader, writer: IndexWriter, key: IndexKey
) -> None:
    batch = batch_of(range(20))
    writer.begin(key).commit(batch)
    keep = np.isin(batch.image_ids, [3, 5, 9])
    assert found(reader, key, only=Filter(image_ids=np.array([9, 5, 3, 99]))) == best(batch, QUERY, 10, keep)
    assert found(reader, key, only=Filter(taken_from=0)) == []


def test_segments_of_both_kinds_answer_together(
    reader: IndexReader, store: MemoryStore, key: IndexKey, batch: VectorBatch, indexed: str
) -> None:
    other = batch_of(range(10_000, 10_050), seed=8)
    IndexWriter(store).begin(key).commit(other)
    both = VectorBatch(
        *(
            np.concatenate(pair)
            for pair in zip(*((b.image_ids, b.vectors, b.taken_at) for b in (batch, other)), strict=True)
        )
    )
    assert found(reader, key, effort=THOROUGH) == best(both, QUERY, 10, everything(both))


Damage = Callable[[bytearray], object]


def places(segment: bytes) -> dict[str, tuple[int, int]]:
    head = Head.decode(segment, len(segment), "space-1")
    return {
        "list": (head.list_span(0).start, head.list_span(len(head.ends) - 1).end),
        "vector": (head.record_span(0, 1).start, head.record_span(COUNT - 1, COUNT).end),
    }


@pytest.mark.parametrize("where", ["list", "vector", "head", "truncated", "empty"])
def test_a_damaged_segment_is_named_and_the_rest_answers(
    reader: IndexReader, store: MemoryStore, key: IndexKey, segment: bytes, indexed: str, where: str
) -> None:
    IndexWriter(store).begin(key).commit(batch_of([100_001]))
    data = bytearray(store.objects[indexed])
    if where in ("list", "vector"):
        start, end = places(segment)[where]
        data[start:end] = bytes(byte ^ 1 for byte in data[start:end])
    elif where == "head":
        data[entry_fields(segment)["head_bytes"] - 1] ^= 1
    store.objects[indexed] = bytes(data) if where != "truncated" else bytes(data[:-20_000])
    if where == "empty":
        store.objects[indexed] = b""
    answer = reader.search([key], QUERY, COUNT, effort=THOROUGH)
    assert [hit.image_id for hit in answer.hits] == [100_001]
    (problem,) = answer.problems
    assert problem.key == indexed
    assert indexed in str(problem)


def test_a_segment_that_is_gone_makes_the_manifest_be_read_again(
    reader: IndexReader, store: MemoryStore, key: IndexKey, indexed: str
) -> None:
    assert reader.warm([key]) == []
    gone = store.objects.pop(indexed)
    (problem,) = reader.search([key], QUERY, 5, {key: 1}).problems
    assert (problem.key, problem.reason) == (indexed, "it does not exist")
    store.objects[indexed] = gone
    assert len(reader.search([key], QUERY, 5, {key: 1}).hits) == 5


@pytest.mark.parametrize("length", [0, 5, 300, 3_000, -1, -4_000])
def test_a_truncated_segment_is_damaged(segment: bytes, length: int) -> None:
    with pytest.raises(ObjectDamaged):
        read_batch(segment[:length], "space-1")


def test_an_altered_byte_is_noticed_wherever_it_counts(segment: bytes) -> None:
    start = places(segment)["list"][0]
    for place in np.random.default_rng(1).integers(start, len(segment), 40).tolist():
        altered = bytearray(segment)
        altered[place] ^= 0x40
        try:
            read = read_batch(bytes(altered), "space-1")
        except FormatError:
            continue
        # The padding between sections.
        good = read_batch(segment, "space-1")
        for name in ("image_ids", "vectors", "taken_at"):
            assert np.array_equal(getattr(read, name), getattr(good, name))


def test_a_segment_of_another_space_or_kind_is_told_apart(segment: bytes) -> None:
    with pytest.raises(ObjectForeign):
        read_batch(segment, "space-2")
    with pytest.raises(ObjectUnsupported):
        read_batch(segment.replace(b'"kind":"inverted"', b'"kind":"inverter"'), "space-1")


def test_copies_of_one_photograph_are_all_found(
    store: MemoryStore, key: IndexKey, reader: IndexReader
) -> None:
    copies = VectorBatch(np.arange(50), np.repeat(unit_vectors(1), 50, axis=0), np.zeros(50, np.int64))
    commit_inverted(store, key, copies)
    assert sorted(found(reader, key, 50)) == list(range(50))


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_few_vectors_make_a_segment_too(
    store: MemoryStore, key: IndexKey, reader: IndexReader, count: int
) -> None:
    batch = batch_of(range(count), seed=5, dimension=16)
    commit_inverted(store, key, batch)
    assert found(reader, key) == best(batch, QUERY, 10, everything(batch))
