"""How many results are relevant."""

import numpy as np
import pytest
from glimpse.index import IndexKey, IndexReader, IndexWriter, VectorBatch
from glimpse.index.calibrations import DEMO_SPACE, SCALE_FREE
from glimpse.index.relevance import DEPTH, FEWEST, Sample, calibration_of, count_relevant
from hypothesis import given
from hypothesis import strategies as st

CALIBRATIONS = [SCALE_FREE, calibration_of(DEMO_SPACE)]


def folder(seed: int, count: int, relevant: int) -> np.ndarray:
    """Return scores as the demo model gives them."""
    generator = np.random.default_rng(seed)
    bulk = np.clip(generator.normal(0.06, 0.08, count - relevant), -0.4, 0.24)
    return np.concatenate((bulk, generator.normal(0.43, 0.02, relevant))).astype(np.float32)


def count(scores: np.ndarray, calibration: object = SCALE_FREE) -> int | None:
    return count_relevant(scores, [Sample(scores, len(scores))], calibration)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [100, 1000, 10_000])
@pytest.mark.parametrize("relevant", [0, 1, 7, 40])
def test_scores_that_stand_out_are_counted(size: int, relevant: int) -> None:
    scores = folder(relevant, size, relevant)
    assert count(scores, calibration_of(DEMO_SPACE)) == pytest.approx(relevant, abs=max(1, relevant // 8))


@given(st.integers(0, 99), st.integers(FEWEST, 2000), st.integers(0, 15), st.sampled_from(CALIBRATIONS))
def test_the_order_of_scores_does_not_matter_and_no_more_are_relevant_than_there_are(
    seed: int, size: int, relevant: int, calibration: object
) -> None:
    scores = folder(seed, size, relevant)
    found = count(scores, calibration)
    assert found is not None
    assert 0 <= found <= min(size, DEPTH)
    assert count(np.random.default_rng(seed).permutation(scores), calibration) == found


@given(
    st.integers(0, 99), st.integers(FEWEST, 1000), st.sampled_from([0.5, 2.0]), st.sampled_from([-0.25, 0.5])
)
def test_without_a_calibration_scale_and_place_of_scores_do_not_matter(
    seed: int, size: int, factor: float, shift: float
) -> None:
    scores = np.round(folder(seed, size, 5) * 2**14) / 2**14
    assert count(scores * factor + shift) == count(scores)


def test_segments_count_by_their_size() -> None:
    scores = folder(1, 3000, 12)
    best = np.sort(scores)[-DEPTH:]
    halves = [Sample(scores[:1000:2], 1000), Sample(scores[1000::4], 2000)]
    assert count_relevant(best, halves, calibration_of(DEMO_SPACE)) == pytest.approx(12, abs=1)


def test_nothing_is_said_of_a_folder_too_small_or_not_looked_at() -> None:
    scores = folder(1, FEWEST - 1, 1)
    assert count(scores) is None
    assert count_relevant([], []) is None
    unseen = Sample(np.empty(0, np.float32), 30_000)
    assert count_relevant([0.3], [Sample(folder(2, 100, 1), 100), unseen]) is None


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_scores_that_are_all_alike_are_judged(value: float) -> None:
    assert count(np.full(50, value, np.float32)) in range(51)


def test_a_reader_tells_how_many_are_relevant_when_asked(writer: IndexWriter, reader: IndexReader) -> None:
    key = IndexKey("ns", DEMO_SPACE, 1, 1)
    scores = folder(3, 400, 9)
    vectors = np.zeros((400, 402), np.float32)
    vectors[:, 0] = scores
    vectors[np.arange(400), 1 + np.arange(400)] = np.sqrt(1 - scores**2)
    unknown = np.full(200, -(2**63))
    for start in (0, 200):
        rows = slice(start, start + 200)
        writer.begin(key).commit(VectorBatch(np.arange(start, start + 200), vectors[rows], unknown))
    query = np.eye(1, 402, dtype=np.float32)[0]
    judged = reader.search([key], query, 3, offset=1, judged=True)
    assert judged.relevant == pytest.approx(9, abs=1)
    plain = reader.search([key], query, 3, offset=1)
    assert plain.relevant is None
    assert judged.hits == plain.hits
