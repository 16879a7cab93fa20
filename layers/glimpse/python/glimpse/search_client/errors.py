"""What can go wrong between a caller and the search service."""

from collections.abc import Sequence
from typing import Any


class SearchServiceError(Exception):
    """Any error of the search service."""


class SearchUnavailable(SearchServiceError):  # noqa: N818 - named for what happened
    """The service did not answer, or could not at the moment. Trying again later may help."""


class SearchRefused(SearchServiceError):  # noqa: N818
    """The service did not accept a request; sending it again won't help.

    Attributes
    ----------
    status : int
        The HTTP status, 400…499.
    detail : str
        The service's sentence about it.
    errors : list
        What is wrong with each of several things, as the service says it.
    """

    def __init__(self, status: int, detail: str, errors: Sequence[Any] = ()) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.errors = list(errors)


class ImagesNotFound(SearchRefused):
    """None of the images to embed exists (404)."""


class ImageNotFound(SearchRefused):
    """An image that is searched by is in no index (404)."""


class TooMuch(SearchRefused):
    """More than one request may carry, or has time for; the sentence says how much it may be (413)."""
