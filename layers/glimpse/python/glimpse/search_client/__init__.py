"""One client of the search service, and the ways to reach it.

The transports are imported when they are first asked for: a process that invokes needs no httpx, one that
speaks HTTP to a forwarder needs no Lambda client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glimpse.messages import FailedImage, ImageFile
from glimpse.search_client.client import EmbedReport, Found, SearchClient, SearchHit
from glimpse.search_client.errors import (
    ImageNotFound,
    ImagesNotFound,
    SearchRefused,
    SearchServiceError,
    SearchUnavailable,
    TooMuch,
)
from glimpse.search_client.transport import Response, Transport

if TYPE_CHECKING:
    from glimpse.search_client.http import HttpTransport, SigV4Signer
    from glimpse.search_client.invoke import InvokeTransport

__all__ = [
    "EmbedReport",
    "FailedImage",
    "Found",
    "HttpTransport",
    "ImageFile",
    "ImageNotFound",
    "ImagesNotFound",
    "InvokeTransport",
    "Response",
    "SearchClient",
    "SearchHit",
    "SearchRefused",
    "SearchServiceError",
    "SearchUnavailable",
    "SigV4Signer",
    "TooMuch",
    "Transport",
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
