"""How a request reaches the search service: what every transport offers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

MAX_PAYLOAD_BYTES = 6 * 2**20
"""What Lambda accepts in a synchronous invocation, its event included."""


class TransportError(Exception):
    """No response came. Trying again later may help."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response.

    Attributes
    ----------
    status : int
        The status code.
    headers : mapping of str to str
        Names in lower case.
    body : bytes
        The body as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def problem(cls, status: int, detail: str) -> "Response":
        """Return an error in the form that the service gives its own."""
        return cls(status, {"content-type": "application/json"}, json.dumps({"detail": detail}).encode())


class Transport(Protocol):
    """One way to the service."""

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
            If no response came. A response of any status is returned.
        """
