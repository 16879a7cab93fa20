"""The client of the search service, and its transports.

The transports are imported on first use: a process that invokes the function needs no httpx, and one that
uses HTTP needs no Lambda client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glimpse.messages import EmbedReport, FailedImage, ImageFile
from glimpse.search_client.client import NO_ANSWER, SearchClient, SearchHit, SearchPage, UnexpectedResponse
from glimpse.search_client.transport import Response, Transport, TransportError
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope

if TYPE_CHECKING:
    from glimpse.search_client.http import HttpTransport, SigV4Signer
    from glimpse.search_client.invoke import InvokeTransport

__all__ = [
    "NO_ANSWER",
    "EmbedReport",
    "FailedImage",
    "HttpTransport",
    "ImageFile",
    "InvokeTransport",
    "Response",
    "SearchClient",
    "SearchHit",
    "SearchOptions",
    "SearchPage",
    "SearchQuery",
    "SearchScope",
    "SigV4Signer",
    "Transport",
    "TransportError",
    "UnexpectedResponse",
]

_LAZY = {
    "HttpTransport": "glimpse.search_client.http",
    "InvokeTransport": "glimpse.search_client.invoke",
    "SigV4Signer": "glimpse.search_client.http",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562 leaves the type to the attribute
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
