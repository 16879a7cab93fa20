"""How many results are relevant."""

from pathlib import Path

import numpy as np
import pytest
from glimpse.index import IndexKey, IndexReader, IndexWriter, VectorBatch
from glimpse.index.relevance.model import DEPTH, FEWEST, Sample, count_relevant
from glimpse.index.relevance.weights import DEMO_SPACE, Calibration, calibration_of
from hypothesis import given
from hypothesis import strategies as st

from foundry.demo_model.evaluate import BUNDLE, Encoders

QUERY = Encoders(BUNDLE, 1).texts(["bicycle"])[0]
DEMO = calibration_of(DEMO_SPACE)
assert DEMO is not None


def folder(seed: int, count: int, relevant: int) -> np.ndarray:
    """Return scores as the demo model gives them."""
    generator = np.random.default_rng(seed)
    bulk = np.clip(generator.normal(0.06, 0.08, count - relevant), -0.4, 0.24)
    return np.concatenate((bulk, generator.normal(0.43, 0.02, relevant))).astype(np.float32)


def count(scores: np.ndarray) -> int | None:
    return count_relevant(QUERY, scores, [Sample(scores, len(scores))], DEMO)


@pytest.mark.parametrize("size", [100, 1000, 10_000])
@pytest.mark.parametrize("relevant", [0, 1, 7, 40])
def test_scores_that_stand_out_are_counted(size: int, relevant: int) -> None:
    scores = folder(relevant, size, relevant)
    assert count(scores) == pytest.approx(relevant, abs=max(1, relevant // 8))


@given(st.integers(0, 99), st.integers(FEWEST, 2000), st.integers(0, 15))
def test_the_order_of_scores_does_not_matter_and_no_more_are_relevant_than_there_are(
    seed: int, size: int, relevant: int
) -> None:
    scores = folder(seed, size, relevant)
    found = count(scores)
    assert found is not None
    assert 0 <= found <= min(size, DEPTH)
    assert count(np.random.default_rng(seed).permutation(scores)) == found


def test_segments_count_by_their_size() -> None:
    scores = folder(1, 3000, 12)
    best = np.sort(scores)[-DEPTH:]
    halves = [Sample(scores[:1000:2], 1000), Sample(scores[1000::4], 2000)]
    assert count_relevant(QUERY, best, halves, DEMO) == pytest.approx(12, abs=1)


def test_nothing_is_said_of_a_folder_too_small_or_not_looked_at() -> None:
    scores = folder(1, FEWEST - 1, 1)
    assert count(scores) is None
    assert count_relevant(QUERY, [], [], DEMO) is None
    unseen = Sample(np.empty(0, np.float32), 30_000)
    assert count_relevant(QUERY, [0.3], [Sample(folder(2, 100, 1), 100), unseen], DEMO) is None


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_scores_that_are_all_alike_are_judged(value: float) -> None:
    assert count(np.full(50, value, np.float32)) in range(51)


def vectors_of(scores: np.ndarray) -> np.ndarray:
    """Return unit vectors with these scores for the query."""
    across = np.random.default_rng(0).normal(size=(len(scores), len(QUERY)))
    across -= np.outer(across @ QUERY, QUERY)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return (np.outer(scores, QUERY) + np.sqrt(1 - scores**2)[:, None] * across).astype(np.float32)


def fill(writer: IndexWriter, key: IndexKey, scores: np.ndarray) -> None:
    vectors = vectors_of(scores)
    for rows in np.array_split(np.arange(len(scores)), 2):
        writer.begin(key).commit(VectorBatch(rows, vectors[rows], np.full(len(rows), -(2**63))))


def test_a_reader_tells_how_many_are_relevant_when_asked(writer: IndexWriter, reader: IndexReader) -> None:
    key = IndexKey("ns", DEMO_SPACE, 1, 1)
    fill(writer, key, folder(3, 400, 9))
    judged = reader.search([key], QUERY, 3, offset=1, judged=True)
    assert judged.relevant == pytest.approx(9, abs=1)
    plain = reader.search([key], QUERY, 3, offset=1)
    assert plain.relevant is None
    assert judged.hits == plain.hits


def test_nothing_is_said_in_a_space_whose_scores_are_not_known(
    writer: IndexWriter, reader: IndexReader
) -> None:
    assert calibration_of("someone-elses") is None
    key = IndexKey("ns", "someone-elses", 1, 1)
    fill(writer, key, folder(3, 400, 9))
    answer = reader.search([key], QUERY, 3, judged=True)
    assert answer.relevant is None
    assert len(answer.hits) == 3


def test_what_is_usual_for_such_a_query_counts() -> None:
    """Scores of 0.34 are high for a place, and low for a category."""
    scores = np.concatenate((folder(4, 990, 0), np.linspace(0.28, 0.34, 10))).astype(np.float32)
    category, place = (
        count_relevant(query, scores, [Sample(scores, len(scores))], DEMO)
        for query in Encoders(BUNDLE, 1).texts(["animal", "a bicycle on the left"])
    )
    assert category == 0
    assert place in range(1, 11)


def test_weights_are_the_same_when_read_again(tmp_path: Path) -> None:
    DEMO.save(tmp_path / "weights.npz")
    again = Calibration.load(tmp_path / "weights.npz")
    scores = folder(5, 500, 12)
    assert count_relevant(QUERY, scores, [Sample(scores, 500)], again) == count(scores) > 0
