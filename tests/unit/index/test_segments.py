import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from glimpse.index import FormatError, ObjectDamaged, ObjectForeign, ObjectUnsupported, VectorBatch
from glimpse.index.format import tombstones
from glimpse.index.format.container import ALIGNMENT, MAGIC
from glimpse.index.segments import flat as segments
from glimpse.index.segments.flat import FlatSegment
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.index.vectors import DIMENSION, UNKNOWN, batch_of, unit_vectors

SPACE = "space-1"
Edit = Callable[[dict[str, Any]], object]
NO_IDS = np.empty(0, np.int64)
some_ids = st.lists(st.integers(0, 2**53 - 1), unique=True, max_size=30)


@settings(deadline=None)
@given(some_ids, st.data())
def test_a_segment_holds_ids_and_times_in_the_order_of_ids(ids: list[int], data: st.DataObject) -> None:
    times = data.draw(hnp.arrays(np.int64, len(ids), elements=st.integers(UNKNOWN, 2**63 - 1)))
    batch = VectorBatch(np.array(ids, np.int64), unit_vectors(len(ids)), times)
    opened = FlatSegment.decode(segments.encode(batch, SPACE), SPACE)
    order = np.argsort(ids)
    assert opened.image_ids.tolist() == np.array(ids)[order].tolist()
    assert opened.taken_at.tolist() == times[order].tolist()


@settings(deadline=None)
@given(some_ids, st.integers(1, 40), st.data())
def test_a_search_finds_what_comparing_all_vectors_finds(
    ids: list[int], top_k: int, data: st.DataObject
) -> None:
    batch = batch_of(ids, seed=1)
    masked = data.draw(st.lists(st.sampled_from([*ids, 2**40]), unique=True))
    query = unit_vectors(1, seed=2)[0]
    opened = FlatSegment.decode(segments.encode(batch, SPACE), SPACE)
    found, scores = opened.search(query, top_k, np.array(masked, np.int64))
    cosines = {i: float(v @ query) for i, v in zip(ids, batch.vectors, strict=True) if i not in masked}
    best = sorted(cosines.values(), reverse=True)[:top_k]
    assert scores == pytest.approx(best, abs=2e-3)
    assert [cosines[i] for i in found.tolist()] == pytest.approx(best, abs=2e-3)
    assert len(set(found.tolist())) == len(found)


def test_a_score_is_a_cosine_even_after_rounding() -> None:
    batch = batch_of([1])
    opened = FlatSegment.decode(segments.encode(batch, SPACE), SPACE)
    for sign in (1, -1):
        _, scores = opened.search(sign * batch.vectors[0], 1, NO_IDS)
        assert -1 <= scores[0] <= 1
        assert scores[0] == pytest.approx(sign, abs=1e-3)


@settings(deadline=None)
@given(some_ids)
def test_tombstones_hold_each_id_once_in_order(ids: list[int]) -> None:
    assert tombstones.decode(tombstones.encode(tombstones.unique_ids([*ids, *ids]))).tolist() == sorted(ids)


@pytest.mark.parametrize("ids", [[-1], [2**53], [2**70], [-(2**70)]])
def test_ids_that_json_cannot_carry_are_refused(ids: list[int]) -> None:
    with pytest.raises(ValueError, match="image id"):
        tombstones.unique_ids(ids)


def test_sections_are_aligned_and_found_by_the_header_alone() -> None:
    data = segments.encode(batch_of([5, 3, 9]), SPACE)
    length = int.from_bytes(data[8:12], "little")
    header = json.loads(data[12 : 12 + length])
    assert data.startswith(MAGIC)
    assert (12 + length) % ALIGNMENT == 0
    assert (header["kind"], header["format_version"]) == ("flat", 1)
    assert (header["count"], header["dimension"], header["space_id"]) == (3, DIMENSION, SPACE)
    place = header["sections"]["image_ids"]
    start = 12 + length + place["offset"]
    assert place["offset"] % ALIGNMENT == 0
    assert np.frombuffer(data[start : start + place["length"]], "<i8").tolist() == [3, 5, 9]


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_a_truncated_segment_is_damaged(length: int) -> None:
    data = segments.encode(batch_of(range(40)), SPACE)
    with pytest.raises(ObjectDamaged):
        FlatSegment.decode(data[: length % len(data)], SPACE)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_other_bytes_are_no_segment(data: bytes) -> None:
    with pytest.raises(FormatError):
        FlatSegment.decode(data, SPACE)
    with pytest.raises(FormatError):
        FlatSegment.decode(MAGIC + data, SPACE)


def edited(data: bytes, edit: Edit) -> bytes:
    """The same object with another header."""
    end = 12 + int.from_bytes(data[8:12], "little")
    header = json.loads(data[12:end])
    edit(header)
    text = json.dumps(header).encode()
    text += b" " * (-(12 + len(text)) % ALIGNMENT)
    return MAGIC + len(text).to_bytes(4, "little") + text + data[end:]


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda header: header.update(format_version=2), ObjectUnsupported),
        (lambda header: header.update(kind="ivf"), ObjectUnsupported),
        (lambda header: header.update(space_id="space-2"), ObjectForeign),
        (lambda header: header.update(format_version=True), ObjectDamaged),
        (lambda header: header.update(format_version="1"), ObjectDamaged),
        (lambda header: header.update(count=4), ObjectDamaged),
        (lambda header: header.update(count="3"), ObjectDamaged),
        (lambda header: header.update(dimension=8), ObjectDamaged),
        (lambda header: header.update(sections=[]), ObjectDamaged),
        (lambda header: header["sections"].pop("faiss"), ObjectDamaged),
        (lambda header: header["sections"]["faiss"].update(offset=-1), ObjectDamaged),
        (lambda header: header["sections"]["faiss"].update(offset=10**9), ObjectDamaged),
        (lambda header: header["sections"]["faiss"].update(length=10), ObjectDamaged),
        (lambda header: header["sections"]["image_ids"].update(offset=0.5), ObjectDamaged),
    ],
)
def test_a_header_that_does_not_fit_is_told_apart(edit: Edit, error: type[Exception]) -> None:
    with pytest.raises(error):
        FlatSegment.decode(edited(segments.encode(batch_of([5, 3, 9]), SPACE), edit), SPACE)


def test_fields_of_later_writers_are_ignored() -> None:
    data = edited(segments.encode(batch_of([5, 3]), SPACE), lambda header: header.update(captions="no"))
    assert FlatSegment.decode(data, SPACE).image_ids.tolist() == [3, 5]


@pytest.mark.parametrize(
    "ids", [np.array([3, 5, 5]), np.array([5, 3, 9]), np.array([-1, 3, 5]), np.array([3, 5, 2**53])]
)
def test_ids_out_of_order_or_range_are_damage(ids: npt.NDArray[np.int64]) -> None:
    data = segments.encode(batch_of([3, 5, 9]), SPACE)
    good = np.array([3, 5, 9]).astype("<i8").tobytes()
    with pytest.raises(ObjectDamaged):
        FlatSegment.decode(data.replace(good, ids.astype("<i8").tobytes()), SPACE)


@pytest.mark.parametrize(
    ("ids", "vectors", "times", "sentence"),
    [
        ([1, 1], unit_vectors(2), [0, 0], "repeat"),
        ([1, -2], unit_vectors(2), [0, 0], "image id"),
        ([1, 2**53], unit_vectors(2), [0, 0], "image id"),
        ([1], unit_vectors(2), [0], "shapes"),
        ([1, 2], unit_vectors(2), [0], "shapes"),
        ([1], unit_vectors(1)[0], [0], "shapes"),
        ([1, 2], unit_vectors(2) * 2, [0, 0], "unit"),
        ([1, 2], unit_vectors(2) * 0, [0, 0], "unit"),
        ([1, 2], unit_vectors(2) * np.nan, [0, 0], "unit"),
        ([1.5, 2], unit_vectors(2), [0, 0], "int64"),
        ([1, 2], unit_vectors(2), [0.5, 0], "int64"),
    ],
)
def test_a_batch_that_would_spoil_an_index_is_refused(
    ids: list[float], vectors: npt.NDArray[np.float32], times: list[float], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        VectorBatch(np.array(ids), vectors, np.array(times))
