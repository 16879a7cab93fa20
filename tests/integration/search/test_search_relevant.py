"""How many results of a search the service calls relevant."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glimpse.encoder import Bundle
from glimpse.index import IndexKey
from glimpse.index.calibrations import FILES, Calibration, Network, calibration_of
from glimpse.index.relevance import USUAL, Sample, features

from tests.integration.search.service import FOLDERS, SPACE, EmbedDouble, SearchFunction, commit


def stock_more(embed: EmbedDouble) -> None:
    texts = {image_id: f"a dog number {image_id}" for image_id in range(100, 160)}
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 3), texts)


@pytest.fixture
def calibrated(embed: EmbedDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The space has weights: of no use, but they say some number."""
    generator = np.random.default_rng(0)
    usual = generator.normal(size=(1 + Bundle.load(embed.bundle_dir).dimension, USUAL)).astype(np.float32)
    scores = np.linspace(0, 0.5, 50, dtype=np.float32)
    seen = features(usual[1:, 0] * 0, scores, [Sample(scores, 50)], usual)
    assert seen is not None
    networks = (
        Network(
            *(generator.normal(size=shape).astype(np.float32) for shape in ((1 + width, 3), 3, 1 + width))
        )
        for width in (seen.by_count.shape[1], len(seen.of_none))
    )
    Calibration(usual, *networks).save(tmp_path / "weights.npz")
    monkeypatch.setitem(FILES, SPACE, tmp_path / "weights.npz")
    calibration_of.cache_clear()
    yield
    calibration_of.cache_clear()


def test_how_many_results_are_relevant_is_left_open_where_scores_are_not_known(
    stocked: SearchFunction, embed: EmbedDouble
) -> None:
    stock_more(embed)
    answer = stocked.call("POST", "/search", FOLDERS | {"query": "a red cat"}).json
    assert answer["results"]
    assert "relevant" not in answer


@pytest.mark.usefixtures("calibrated")
def test_of_words_the_answer_says_how_many_results_are_relevant(
    stocked: SearchFunction, embed: EmbedDouble
) -> None:
    """On the whole ranking: whichever page is asked for, the count is the same."""
    stock_more(embed)

    def relevant(**fields: Any) -> int | None:
        count = stocked.call("POST", "/search", FOLDERS | fields).json.get("relevant")
        return None if count is None else int(count)

    whole = relevant(query="a red cat", top_k=64)
    assert whole is not None
    assert 0 <= whole <= 64
    assert relevant(query="a red cat", top_k=5, offset=20) == whole
    assert relevant(parts=[{"text": "a red cat", "weight": 2}]) == whole
    assert relevant(parts=[{"text": "a red cat", "weight": -1}]) is None
    assert relevant(parts=[{"image_id": 10, "folder_id": 3}]) is None
