"""Reading parts of objects, keeping them, and queries made of parts."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from glimpse.index import combine
from glimpse.index.store.byte_ranges import READ_BYTES, ByteRange, plan_requests
from glimpse.index.store.vector_files import VectorFiles
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.index.vectors import unit_vectors


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 5_000)), max_size=40), st.integers(1, 50))
def test_a_plan_reads_every_part_once_in_few_requests(gaps: list[tuple[int, int]], most: int) -> None:
    spans, end = [], 0
    for gap, length in gaps:
        spans.append(ByteRange(end + gap, length))
        end += gap + length
    data = np.random.default_rng(0).integers(0, 256, end, np.uint8).tobytes()
    order = np.random.default_rng(len(gaps)).permutation(len(spans)).tolist()
    wanted = [spans[place] for place in order]
    reads = plan_requests(wanted, most)
    assert len(reads) <= most
    got = {
        part: bytes(view)
        for read in reads
        for part, view in read.cut(wanted, data[read.span.start : read.span.end])
    }
    assert got == {part: data[span.start : span.end] for part, span in enumerate(wanted)}


def test_a_long_stretch_is_read_in_several_requests() -> None:
    spans = [ByteRange(start * 2**20, 2**20) for start in range(40)]
    reads = plan_requests(spans, 1)
    assert max(read.span.length for read in reads) <= READ_BYTES
    assert sum(read.span.length for read in reads) == 40 * 2**20


def test_vectors_are_kept_by_row(tmp_path: Path) -> None:
    file = VectorFiles(tmp_path, 2**20).open(100, 16)
    vectors = unit_vectors(5).astype(np.float16)
    file.put([(10, vectors[:3]), (50, vectors[3:])])
    present, held = file.gather(np.array([50, 9, 12, 10]))
    assert present.tolist() == [True, False, True, True]
    assert np.array_equal(held, vectors[[3, 2, 0]])
    assert list(tmp_path.iterdir()) == []  # the file has no name


def test_the_budget_clears_what_was_filled_longest_ago(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path, 3 * 64 * 1024)
    first, second, third = (files.open(1000, 32) for _ in range(3))  # 64,000 bytes each
    rows = np.arange(1000)
    vectors = np.ones((1000, 32), np.float16)
    for file in (first, second, first, third):
        file.put([(0, vectors)])
    files.open(1000, 32).put([(0, vectors)])
    assert [bool(file.gather(rows)[0].any()) for file in (first, second, third)] == [True, False, True]


def test_a_full_disk_costs_speed_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = VectorFiles(tmp_path, 2**20).open(10, 16)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwrite", full)
    file.put([(0, np.ones((10, 16), np.float16))])
    assert not file.gather(np.arange(10))[0].any()


def test_a_query_is_a_direction_between_its_parts() -> None:
    one, two = unit_vectors(2)
    both = combine([one, 2 * two], [1, 1])
    assert np.linalg.norm(both) == pytest.approx(1)
    assert both @ one == pytest.approx(both @ two, abs=1e-6)
    assert combine([one], [0.3]) == pytest.approx(one, abs=1e-6)
    assert combine([one, two], [1, -0.5]) @ two < one @ two


@pytest.mark.parametrize(
    ("vectors", "weights"),
    [
        ([], []),
        ([[1, 0]], []),
        ([[1, 0], [1, 0]], [1, -1]),
        ([[0, 0]], [1]),
        ([[1, np.nan]], [1]),
        ([[1, 0]], [0]),
    ],
)
def test_a_query_without_direction_is_refused(vectors: list[list[float]], weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"direction|disagree|finite|cancel"):
        combine(vectors, weights)
