"""How many results of a search the service calls relevant."""

from typing import Any

import pytest
from glimpse.index import IndexKey

from tests.integration.search.service import FOLDERS, SPACE, EmbedDouble, SearchFunction, commit


def stock_more(embed: EmbedDouble) -> None:
    texts = {image_id: f"a dog number {image_id}" for image_id in range(100, 160)}
    commit(embed.bundle_dir, IndexKey("glimpse", SPACE, 1, 3), texts)


def test_how_many_results_are_relevant_is_left_open_where_scores_are_not_known(
    stocked: SearchFunction, embed: EmbedDouble
) -> None:
    stock_more(embed)
    answer = stocked.call("POST", "/search", FOLDERS | {"query": "a red cat", "include": ["relevant"]}).json
    assert answer["results"]
    assert answer["relevant"] is None


@pytest.mark.usefixtures("calibrated")
def test_of_words_the_answer_says_how_many_results_are_relevant(
    stocked: SearchFunction, embed: EmbedDouble
) -> None:
    """On the whole ranking: whichever page is asked for, the count is the same."""
    stock_more(embed)

    def relevant(**fields: Any) -> int | None:
        count = stocked.call("POST", "/search", FOLDERS | fields | {"include": ["relevant"]}).json["relevant"]
        return None if count is None else int(count)

    whole = relevant(query="a red cat", top_k=64)
    assert whole is not None
    assert 0 <= whole <= 64
    assert relevant(query="a red cat", top_k=5, offset=20) == whole
    assert relevant(parts=[{"text": "a red cat", "weight": 2}]) == whole
    assert relevant(parts=[{"text": "a red cat", "weight": -1}]) is None
    assert relevant(parts=[{"image_id": 10, "folder_id": 3}]) is None
