"""The search function."""

from collections.abc import Mapping
from typing import Any

from glimpse.search_client import InvokeTransport, SearchClient, SearchPage
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope

SEARCH_SECONDS = 20
"""Enough for a cold start; of the API's own 29 s it leaves time to say that search did not answer."""

HEALTH_SECONDS = 2


class SearchFunction:
    """Asks the search function by Lambda invoke: the client's methods, each with a patience of its own."""

    def __init__(self, function: str) -> None:
        self._client = SearchClient(InvokeTransport(function, timeout_seconds=SEARCH_SECONDS))
        self._unheard = SearchClient(InvokeTransport(function, timeout_seconds=HEALTH_SECONDS, wait=False))
        self._impatient = SearchClient(InvokeTransport(function, timeout_seconds=HEALTH_SECONDS))

    def search(self, scope: SearchScope, query: SearchQuery, options: SearchOptions) -> SearchPage:
        """Return the best images of a scope; raises what :meth:`SearchClient.search` does."""
        return self._client.search(scope, query, options)

    def warm(self, scope: SearchScope) -> None:
        """Have what searches over a scope need loaded; raises Unavailable if that can't be sent."""
        self._unheard.warm(scope)

    def health(self) -> Mapping[str, Any]:
        """Return what the function says of itself; raises Unavailable, also while it starts."""
        return self._impatient.health()
