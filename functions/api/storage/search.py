"""The search function."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from glimpse.errors import Conflicting, NotFound, ServiceError, TooLarge, Unavailable, Unusable
from glimpse.search_client import NO_ANSWER, InvokeTransport, SearchClient, SearchPage
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope

SEARCH_SECONDS = 20
"""Enough for a cold start; leaves time within the API's own 29 s to report that search did not answer."""

HEALTH_SECONDS = 2

_ABOUT_THE_QUESTION = (NotFound, Conflicting, TooLarge, Unusable)
"""What search may refuse for the asker's reasons. Any other refusal is between the two functions."""


class SearchFunction:
    """Calls the search function by Lambda Invoke: the client's methods, each with its own timeout."""

    def __init__(self, function: str) -> None:
        self._client = SearchClient(InvokeTransport(function, timeout_seconds=SEARCH_SECONDS))
        self._unheard = SearchClient(InvokeTransport(function, timeout_seconds=HEALTH_SECONDS, wait=False))
        self._impatient = SearchClient(InvokeTransport(function, timeout_seconds=HEALTH_SECONDS))

    def search(self, scope: SearchScope, query: SearchQuery, options: SearchOptions) -> SearchPage:
        """Return the best images of a scope.

        Raises
        ------
        NotFound, Conflicting, TooLarge, Unusable
            If the question can't be answered; the sentence says why.
        Unavailable
            If the function does not answer as its contract says.
        """
        with _unavailable_but(*_ABOUT_THE_QUESTION):
            return self._client.search(scope, query, options)

    def warm(self, scope: SearchScope) -> None:
        """Have what searches over a scope need loaded; raises Unavailable if that can't be sent."""
        with _unavailable_but():
            self._unheard.warm(scope)

    def health(self) -> Mapping[str, Any]:
        """Return what the function says of itself; raises Unavailable, also while it starts."""
        with _unavailable_but():
            return self._impatient.health()


@contextmanager
def _unavailable_but(*expected: type[ServiceError]) -> Iterator[None]:
    """Raise Unavailable for every error of the service but the expected ones."""
    try:
        yield
    except ServiceError as error:
        if isinstance(error, (Unavailable, *expected)):
            raise
        raise Unavailable(NO_ANSWER) from error
