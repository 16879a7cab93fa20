"""The search function."""

from collections.abc import Mapping, Sequence
from typing import Any

from glimpse.questions import Asked
from glimpse.search_client import (
    Found,
    InvokeTransport,
    SearchClient,
    SearchRefused,
    SearchServiceError,
)

from functions.api.services.ports import SearchDeclined, SearchFailed

SEARCH_SECONDS = 20
"""Enough for a cold start; of the API's own 29 s it leaves time to say that search did not answer."""

HEALTH_SECONDS = 2


class SearchFunction:
    """Asks the search function by Lambda invoke."""

    def __init__(self, function: str) -> None:
        self._client = SearchClient(InvokeTransport(function, timeout_seconds=SEARCH_SECONDS))
        self._unheard = SearchClient(InvokeTransport(function, timeout_seconds=HEALTH_SECONDS, wait=False))
        self._impatient = SearchClient(InvokeTransport(function, timeout_seconds=HEALTH_SECONDS))

    def find(
        self,
        user_id: int,
        asked: Asked,
        folder_ids: Sequence[int],
        folder_owners: Mapping[int, int],
        versions: Mapping[int, Mapping[str, int]],
        top_k: int,
    ) -> Found:
        """Return the best images of these folders, best first.

        Raises
        ------
        SearchDeclined
            If the function can't answer such a question.
        SearchFailed
            If it does not answer as its contract says.
        """
        try:
            return self._client.find(user_id, asked, folder_ids, folder_owners, top_k, versions)
        except SearchRefused as error:
            raise SearchDeclined(error.status, error.detail) from error
        except SearchServiceError as error:
            raise SearchFailed(str(error)) from error

    def warm(
        self, user_id: int, folder_owners: Mapping[int, int], versions: Mapping[int, Mapping[str, int]]
    ) -> None:
        """Have what searches over these folders need loaded; raises SearchFailed if that can't be sent."""
        try:
            self._unheard.warm(user_id, list(folder_owners), folder_owners, versions)
        except SearchServiceError as error:
            raise SearchFailed(str(error)) from error

    def health(self) -> Mapping[str, Any]:
        """Return what the function says of itself; raises SearchFailed, also while it starts."""
        try:
            return self._impatient.health()
        except SearchServiceError as error:
            raise SearchFailed(str(error)) from error
