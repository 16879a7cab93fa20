"""A request as the gate sees it, and the exception that refuses one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.types import Scope

# Headers that decide what a request means. If one came twice, two parsers could see two different requests.
_ONCE = frozenset(
    {
        "authorization",
        "content-length",
        "content-type",
        "host",
        "origin",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-target",
    }
)


class Denied(Exception):
    """A request was refused; the message says why.

    Attributes
    ----------
    code
        The AWS error code.
    """

    def __init__(self, why: str, code: str = "AccessDenied") -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """The head of an HTTP request.

    Attributes
    ----------
    method
        For example GET.
    path
        The path as the emulator reads it: percent escapes are decoded once.
    raw_path
        The path as it was sent and signed.
    query
        The parameters in order, decoded.
    headers
        By lower-case name; repeated values are joined by commas.
    """

    method: str
    path: str
    raw_path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, scope: Scope) -> Request:
        """Read an ASGI scope.

        Raises
        ------
        Denied
            If a header that must be unique appears twice.
        """
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
            if name in headers and name in _ONCE:
                raise Denied(f"The header {name} appears twice; send it once.", "InvalidRequest")
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        raw_query = scope.get("query_string", b"").decode("latin-1")
        pairs = (pair.partition("=") for pair in raw_query.split("&") if pair)
        return cls(
            scope["method"],
            scope["path"],
            (scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
            tuple((unquote(name), unquote(value)) for name, _, value in pairs),
            headers,
        )

    def names_in_query(self) -> frozenset[str]:
        """Return the names of the query parameters in lower case."""
        return frozenset(name.lower() for name, _ in self.query)


def _text(value: bytes) -> str:
    """Decode a header's value as its signer encoded it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
