"""Pages of a ranking: the same images whatever their size, none twice, none left out, whatever changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glimpse.index import Cursor, Effort, Filter, IndexKey, IndexReader, IndexWriter, VectorBatch
from glimpse.index.read.cursor import tag_of
from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.read.stages import RANKS, stages, stages_for

from tests.unit.index.inverted_index import commit_inverted
from tests.unit.index.memory_store import MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of, unit_vectors

COUNT = 1_400
ROUGH = Effort(lists=12, candidates=40)
QUERY = unit_vectors(1, seed=9)[0]
QUESTION = b"a question"


@pytest.fixture(scope="module")
def batch() -> VectorBatch:
    return batch_of(range(0, 3 * COUNT, 3), seed=4)


@pytest.fixture
def indexed(store: MemoryStore, key: IndexKey, batch: VectorBatch) -> None:
    commit_inverted(store, key, batch)


def pages(
    search: Callable[[Cursor | None, int], tuple[list[int], Cursor | None]], sizes: Iterator[int]
) -> Iterator[list[int]]:
    after: Cursor | None = None
    while True:
        ids, after = search(after, next(sizes))
        yield ids
        if after is None:
            return
        after = Cursor.decode(after.encode(QUESTION), QUESTION)


def forever(size: int) -> Iterator[int]:
    while True:
        yield size


def searching(
    reader: IndexReader, key: IndexKey, **how: object
) -> Callable[..., tuple[list[int], Cursor | None]]:
    def search(after: Cursor | None, top_k: int) -> tuple[list[int], Cursor | None]:
        answer = reader.search([key], QUERY, top_k, after=after, **how)  # type: ignore[arg-type]
        assert answer.problems == []
        return [hit.image_id for hit in answer.hits], answer.next

    return search


@pytest.mark.parametrize("size", [5, 7, 24, 100, 1_000])
@pytest.mark.parametrize("only", [None, Filter(image_ids=np.arange(0, 3_000))])
def test_pages_of_any_size_are_parts_of_one_list(
    reader: IndexReader, key: IndexKey, batch: VectorBatch, indexed: None, size: int, only: Filter | None
) -> None:
    assert reader.warm([key], whole=True) == []
    whole = [hit.image_id for hit in reader.search([key], QUERY, 4_000, effort=ROUGH, only=only).hits]
    assert sorted(whole) == [i for i in batch.image_ids.tolist() if only is None or i < 3_000]
    count = 4 * size if size < 50 else len(whole)
    by_cursor: list[int] = []
    for page in pages(searching(reader, key, effort=ROUGH, only=only), forever(size)):
        by_cursor += page
        if len(by_cursor) >= count:
            break
    by_offset: list[int] = []
    while len(by_offset) < min(count, len(whole)):
        hits = reader.search([key], QUERY, size, offset=len(by_offset), effort=ROUGH, only=only).hits
        by_offset += [hit.image_id for hit in hits]
    assert by_cursor[:count] == by_offset[:count] == whole[:count]


def test_cold_pages_are_parts_of_one_list_too(
    store: MemoryStore, key: IndexKey, indexed: None, tmp_path: Path
) -> None:
    """What binds the first page binds those after it, though more and more is at hand."""
    effort = Effort(lists=40, candidates=200, list_requests=9, vector_requests=30, list_bytes=9_000)
    lists = []
    for size in (5, 24, 100):
        reader = IndexReader(store, disk_dir=tmp_path / str(size))
        answer = reader.search([key], QUERY, size, effort=effort)
        assert answer.approximate == "cold"
        found = [hit.image_id for hit in answer.hits]
        while len(found) < 60:
            assert answer.next is not None
            answer = reader.search([key], QUERY, size, effort=effort, after=answer.next)
            assert answer.approximate == "cold"
            found += [hit.image_id for hit in answer.hits]
        lists.append(found[:60])
    assert lists[0] == lists[1] == lists[2]
    assert reader.warm([key], whole=True) == []
    assert reader.search([key], QUERY, 5, effort=effort).approximate is None


def test_a_cold_filtered_search_reads_the_lists_that_its_stages_need(
    store: MemoryStore, key: IndexKey, tmp_path: Path
) -> None:
    """Fewer vectors than it takes are at hand: so more stages are needed, which scan more lists."""
    commit_inverted(store, key, batch_of(range(2_500), seed=4, dimension=128))
    query, only = unit_vectors(1, seed=9, dimension=128)[0], Filter(image_ids=np.arange(2_400))
    effort = Effort(lists=4, candidates=150, vector_requests=30)
    found = []
    for size in (9, 36):
        reader = IndexReader(store, disk_dir=tmp_path / str(size))
        answer = reader.search([key], query, size, effort=effort, only=only)
        assert answer.approximate == "cold"
        ids = [hit.image_id for hit in answer.hits]
        while len(ids) < 36:
            answer = reader.search([key], query, size, effort=effort, only=only, after=answer.next)
            ids += [hit.image_id for hit in answer.hits]
        found.append(ids)
    assert found[0] == found[1]


Change = Callable[[IndexWriter, MemoryStore, IndexKey, list[int]], set[int]]


def commits(writer: IndexWriter, store: MemoryStore, key: IndexKey, shown: list[int]) -> set[int]:
    first = 50_000 + 100 * len(shown)
    writer.begin(key).commit(batch_of(range(first, first + 40), seed=len(shown)))
    return set()


def removes(writer: IndexWriter, store: MemoryStore, key: IndexKey, shown: list[int]) -> set[int]:
    gone = set(range(0, 3 * COUNT, 3 * 10)) - set(shown)
    writer.begin(key).commit(removed=sorted(gone))
    return gone


def merges(writer: IndexWriter, store: MemoryStore, key: IndexKey, shown: list[int]) -> set[int]:
    """Another segment with other lists: the same vectors, of which those removed are gone."""
    old = set(range(0, 3 * COUNT, 3))
    writer.delete(key)
    commit_inverted(store, key, batch_of(sorted(old), seed=4))
    return set()


def cools(writer: IndexWriter, store: MemoryStore, key: IndexKey, shown: list[int]) -> set[int]:
    return set()


@pytest.mark.parametrize("size", [24, 300])
@pytest.mark.parametrize("change", [commits, removes, merges, cools])
def test_what_changes_between_pages_doubles_nothing_and_leaves_nothing_out(
    store: MemoryStore,
    key: IndexKey,
    writer: IndexWriter,
    indexed: None,
    tmp_path: Path,
    change: Change,
    size: int,
) -> None:
    readers = [IndexReader(store, disk_dir=tmp_path / str(number)) for number in range(2)]
    shown: list[int] = []
    gone: set[int] = set()
    after: Cursor | None = None
    for number in range(10_000):
        if number in (1, 3):
            gone |= change(writer, store, key, shown)
        # Another worker for each page, of another thoroughness; a cold one at times.
        reader = (
            readers[number % 2] if change is not cools else IndexReader(store, disk_dir=tmp_path / "none")
        )
        effort = ROUGH if number % 2 else Effort(lists=30, candidates=100)
        wanted = size if number < 6 else 1_000
        answer = reader.search([key], QUERY, wanted, effort=effort, after=after)
        shown += [hit.image_id for hit in answer.hits]
        if answer.next is None:
            break
        after = Cursor.decode(answer.next.encode(QUESTION), QUESTION)
    assert len(shown) == len(set(shown))
    assert set(range(0, 3 * COUNT, 3)) - gone <= set(shown)


def test_an_image_removed_before_its_page_does_not_come(
    reader: IndexReader, writer: IndexWriter, key: IndexKey, indexed: None
) -> None:
    first = reader.search([key], QUERY, 10, effort=ROUGH)
    rest = [hit.image_id for hit in reader.search([key], QUERY, 10, offset=10, effort=ROUGH).hits]
    writer.begin(key).commit(removed=rest[:4])
    second = reader.search([key], QUERY, 6, after=first.next, effort=ROUGH)
    assert [hit.image_id for hit in second.hits] == rest[4:]


def test_copies_of_one_photograph_fill_pages_of_their_own(
    reader: IndexReader, store: MemoryStore, key: IndexKey
) -> None:
    """Thousands of equal cosines: nothing but the ids tells which were shown."""
    copies = VectorBatch(
        np.arange(2_600), np.repeat(unit_vectors(1), 2_600, axis=0), np.zeros(2_600, np.int64)
    )
    commit_inverted(store, key, copies)
    found = [i for page in pages(searching(reader, key, effort=ROUGH), forever(400)) for i in page]
    assert sorted(found) == list(range(2_600))


def test_stages_that_hold_all_are_no_exact_order(
    reader: IndexReader, writer: IndexWriter, store: MemoryStore, key: IndexKey
) -> None:
    """Nearer images fill the named ranks: the first stages of a large segment lie around their end."""
    commit_inverted(store, key, batch_of(range(900), seed=4))
    nearer = QUERY + 0.1 * unit_vectors(RANKS - 2, seed=6)
    nearer /= np.linalg.norm(nearer, axis=1, keepdims=True)
    ids = np.arange(1_000, 1_000 + len(nearer))
    writer.begin(key).commit(VectorBatch(ids, nearer, np.zeros(len(nearer), np.int64)))
    how = {"effort": Effort(lists=1, candidates=1), "only": Filter(image_ids=np.arange(2_000))}
    lists = [
        [i for page in pages(searching(reader, key, **how), forever(size)) for i in page]
        for size in (70, RANKS, 1_800, 2_000)
    ]
    assert sorted(lists[0]) == sorted([*range(900), *ids.tolist()])
    assert all(found == lists[0] for found in lists)
    scores = {hit.image_id: hit.score for hit in reader.search([key], QUERY, 2_000, exact=True).hits}
    after = [scores[image_id] for image_id in lists[0][RANKS:]]
    assert after == sorted(after, reverse=True)


@pytest.mark.parametrize("pin", [Effort(10**9, 10**9), Effort(10**9, 1), Effort(1, 10**9)])
def test_a_forged_cursor_makes_no_search_dearer(
    reader: IndexReader, store: MemoryStore, key: IndexKey, indexed: None, pin: Effort
) -> None:
    """A checksum has no key, so anybody can say how thoroughly segments are to be searched."""
    assert reader.warm([key], whole=True) == []
    [segment] = manifest_of(store, key)["segments"]
    compared: list[Effort] = []
    probe = InvertedSegment.probe

    def noted(self: InvertedSegment, query: Any, effort: Effort, *rest: Any) -> Any:
        compared.append(effort)
        return probe(self, query, effort, *rest)

    after = Cursor(0, {}, pins={tag_of(str(segment["sha256"])): pin})
    forged = Cursor.decode(after.encode(QUESTION), QUESTION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InvertedSegment, "probe", noted)
        answer = reader.search([key], QUERY, 24, effort=ROUGH, after=forged)
    [effort] = compared
    assert (effort.lists, effort.candidates) == (min(12, pin.lists), min(40, pin.candidates))
    if pin == Effort(10**9, 10**9):
        assert answer.hits == reader.search([key], QUERY, 24, effort=ROUGH).hits
        assert answer.approximate is None


@pytest.mark.parametrize("candidates", [1, 10, 40, 104, 200, 600, 1_799, 5_000, 300_000])
def test_stages_deepen_whatever_is_wanted(candidates: int) -> None:
    every = list(stages(candidates))
    assert every[-1].ranks == RANKS
    assert [s.ranks for s in every] == sorted({s.ranks for s in every})
    assert all(stage.ranks <= stage.candidates for stage in every)
    for wanted in (1, 5, 24, 100, 500, 1_000, 10_000):
        needed = stages_for(candidates, wanted)
        assert list(needed) == every[: len(needed)]
        assert needed[-1].ranks >= min(wanted, RANKS)
