"""The interface of transports, which carry requests to the search service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

MAX_PAYLOAD_BYTES = 6 * 2**20
"""Lambda's limit for a synchronous invocation, including the event around the request."""


class TransportError(Exception):
    """There was no response. A later retry may succeed."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response.

    Attributes
    ----------
    status : int
        The status code.
    headers : mapping of str to str
        The headers, with lower-case names.
    body : bytes
        The body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def problem(cls, status: int, detail: str) -> "Response":
        """Return an error response in the service's own form."""
        return cls(status, {"content-type": "application/json"}, json.dumps({"detail": detail}).encode())


class Transport(Protocol):
    """A transport to the service."""

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send one request.

        Parameters
        ----------
        method : str
            The HTTP method, upper case.
        path : str
            Path and, after a ``?``, query string.
        headers : mapping of str to str
            Request headers.
        body : bytes
            The body; empty for none.

        Raises
        ------
        TransportError
            If there is no response. Responses of any status are returned.
        """
