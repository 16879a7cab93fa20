"""Which refusals of the search function are the asker's affair, and which are between the two functions."""

from collections.abc import Callable
from typing import Any

import pytest
from glimpse.errors import Conflicting, NotFound, ServiceError, TooLarge, Unavailable, Unusable
from glimpse.search_client import InvokeTransport, Response, SearchOptions, SearchQuery, SearchScope

from functions.api.storage.search import SearchFunction

SCOPE = SearchScope(1, (1,), {1: 1}, {})
REFUSALS = (400, 403, 404, 405, 409, 413, 415, 422, 500, 503)
OF_A_QUESTION = {404: NotFound, 409: Conflicting, 413: TooLarge, 422: Unusable}


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], SearchFunction]:
    def make(status: int) -> SearchFunction:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        refusal = Response.problem(status, "Not like this.")
        monkeypatch.setattr(InvokeTransport, "request", lambda *_: refusal)
        return SearchFunction("search")

    return make


@pytest.mark.parametrize("status", REFUSALS)
def test_only_what_is_wrong_with_a_question_reaches_the_asker(
    refused: Callable[[int], SearchFunction], status: int
) -> None:
    with pytest.raises(ServiceError) as caught:
        refused(status).search(SCOPE, SearchQuery(query="dogs"), SearchOptions())
    assert type(caught.value) is OF_A_QUESTION.get(status, Unavailable)
    assert (caught.value.detail == "Not like this.") is (status in OF_A_QUESTION)


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("ask", [lambda search: search.warm(SCOPE), lambda search: search.health()])
def test_a_refusal_of_anything_else_counts_as_no_answer(
    refused: Callable[[int], SearchFunction], ask: Callable[[SearchFunction], Any], status: int
) -> None:
    with pytest.raises(Unavailable):
        ask(refused(status))
