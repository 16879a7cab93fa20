"""The search function."""

from collections.abc import Mapping
from typing import Any

from glimpse.search_client import InvokeTransport, SearchClient, SearchServiceError

from functions.api.services.ports import SearchFailed, SearchHit

SEARCH_SECONDS = 20
"""Enough for a cold start; of the API's own 29 s it leaves time to say that search did not answer."""

HEALTH_SECONDS = 2


class SearchFunction:
    """Asks the search function by Lambda invoke."""

    def __init__(self, function: str) -> None:
        self._client = SearchClient(InvokeTransport(function, timeout_seconds=SEARCH_SECONDS))
        self._impatient = SearchClient(InvokeTransport(function, timeout_seconds=HEALTH_SECONDS))

    def search(
        self,
        user_id: int,
        query: str,
        folder_owners: Mapping[int, int],
        versions: Mapping[int, Mapping[str, int]],
        top_k: int,
    ) -> list[SearchHit]:
        """Return the best images of these folders, best first.

        Raises
        ------
        SearchFailed
            If the function does not answer as its contract says.
        """
        try:
            hits = self._client.search(user_id, query, list(folder_owners), folder_owners, top_k, versions)
        except SearchServiceError as error:
            raise SearchFailed(str(error)) from error
        return [SearchHit(hit.image_id, hit.folder_id, hit.score) for hit in hits]

    def health(self) -> Mapping[str, Any]:
        """Return what the function says of itself; raises SearchFailed, also while it starts."""
        try:
            return self._impatient.health()
        except SearchServiceError as error:
            raise SearchFailed(str(error)) from error
