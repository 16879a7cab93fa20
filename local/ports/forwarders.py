"""The forwarders on the ports of API and search service: they pass requests on to the deployed stack."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

import httpx
from glimpse.search_client import Response as SearchResponse
from glimpse.search_client import TransportError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.gate.gate import SECRET_HEADER
from local.ports.admission import admission
from local.ports.body_limit import BodyLimit
from local.ports.guard import OPERATOR_HEADER, Access, Guard, JsonBodies, OperatorRoutes
from local.settings import DEFAULT_WORKERS

MULTIPART_LIMIT = 4_500_000
"""The most bytes of multipart that fit through API Gateway and Lambda: 6 MB of base64 in the event."""

_TOO_LARGE = (
    "A multipart upload can have at most 4.5 MB here, as in AWS. Upload larger files directly to storage:"
    " POST /api/uploads returns a URL for each file."
)

_NO_TEXT = "The body is not UTF-8 text; send JSON in UTF-8."

_REFUSED = "The request could not be passed on to the API; check its URL and headers."
"""Replaces the emulator's or its storage's own message about a request that never reached the API."""

_BROKE_DOWN = "The API failed while handling this request; try again."
"""Replaces the emulator's own message about a worker that ended."""

# RFC 9110, 7.6.1: headers for one connection only, and those that the next request or response sets itself.
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
}
_OF_ENCODED_BODIES = {b"content-encoding", b"content-length"}
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_NO_ROUTE = "There is no such route; see /docs for the list of routes."


class SearchTransport(Protocol):
    """The part of ``glimpse.search_client.InvokeTransport`` that the search forwarder needs."""

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> SearchResponse:
        """Send one request."""


def api_forwarder(
    gateway: str,
    *,
    gateway_limits: bool,
    access: Access,
    secret: str | None,
    workers: int = DEFAULT_WORKERS,
) -> Starlette:
    """Create the server that passes requests on to the HTTP API, streaming uploads and answers.

    Parameters
    ----------
    gateway
        URL of the API's stage at the endpoint, without a trailing slash.
    gateway_limits
        Answer multipart bodies of more than 4.5 MB with 413, as AWS does.
    access
        Who may use the server.
    secret
        The secret that the embedded emulator's gate expects; None for another emulator.
    workers
        How many workers the API's function has; further requests wait.
    """
    key = [] if secret is None else [(SECRET_HEADER.encode(), secret.encode())]
    client = httpx.AsyncClient(
        timeout=httpx.Timeout(60, connect=5), limits=httpx.Limits(max_connections=None), trust_env=False
    )

    async def forward(request: Request) -> Response:
        if (answered := await _answered_here(request, gateway_limits=gateway_limits)) is not None:
            return answered
        upstream = client.build_request(
            request.method,
            f"{gateway}{_target(request)}",
            headers=[
                *(item for item in request.headers.raw if _is_for_the_api(*item)),
                *key,
            ],
            content=_body(request),
        )
        try:
            return await _relayed(await client.send(upstream, stream=True))
        except httpx.HTTPError as error:
            return JSONResponse({"detail": f"The API can't be reached: {_reason(error)}."}, status_code=502)

    return _server(forward, access, Middleware(BodyLimit), admission(workers))


def search_forwarder(
    transport: SearchTransport,
    *,
    access: Access,
    secret: str,
    where: Path,
    workers: int = DEFAULT_WORKERS,
) -> Starlette:
    """Create the server that passes requests on to the search function by Invoke, with its own credentials.

    Parameters
    ----------
    transport
        Reaches the function.
    access
        Who may use the server.
    secret
        The secret of the operator's routes.
    where
        The file that holds the secret.
    workers
        How many workers the function has; further requests wait.
    """

    async def forward(request: Request) -> Response:
        headers = dict(_headers(request.headers.items()))
        body = await request.body()
        try:
            answer = await run_in_threadpool(
                transport.request, request.method, _target(request), headers, body
            )
        except TransportError as error:
            return JSONResponse({"detail": f"Search can't be reached: {_reason(error)}."}, status_code=503)
        return Response(answer.body, answer.status, headers=dict(_headers(answer.headers.items())))

    return _server(
        forward,
        access,
        Middleware(BodyLimit),
        Middleware(JsonBodies),
        Middleware(OperatorRoutes, secret=secret, where=str(where)),
        admission(workers),
    )


async def _answered_here(request: Request, *, gateway_limits: bool) -> Response | None:
    """Answer requests that the HTTP API must not get or that its gateway would answer; None for the rest."""
    if not re.match(r"/+([A-Za-z]|$)", _target(request).partition("?")[0]):
        return JSONResponse({"detail": _NO_ROUTE}, status_code=404)  # an emulator's own routes begin with _
    if gateway_limits and _is_multipart(request) and await _is_too_large(request):
        return JSONResponse({"detail": _TOO_LARGE}, status_code=413)
    if not _is_multipart(request) and not _is_text(await request.body()):
        # An emulator's gateway would replace the bytes that are not text.
        return JSONResponse({"detail": _NO_TEXT}, status_code=400)
    if request.method == "OPTIONS":  # not a preflight, but with CORS the gateway answers every OPTIONS
        return Response(status_code=204)
    return None


async def _relayed(answer: httpx.Response) -> Response:
    """Pass the API's answers on unchanged; replace errors that are not the API's by our own.

    Raises
    ------
    httpx.HTTPError
        If an error can't be read to the end.
    """
    status = answer.status_code
    is_storages = "xml" in answer.headers.get("content-type", "")
    if status < httpx.codes.BAD_REQUEST and not is_storages:
        response: Response = StreamingResponse(
            answer.aiter_raw(), status, background=BackgroundTask(answer.aclose)
        )
        response.raw_headers = _answer_headers(answer)
        return response
    body = await answer.aread()
    if not is_storages and _says_why(body):
        response = Response(body, status)
        kept = [item for item in _answer_headers(answer) if item[0].lower() not in _OF_ENCODED_BODIES]
        response.raw_headers = [*kept, (b"content-length", str(len(body)).encode())]
        return response
    if status < httpx.codes.BAD_REQUEST:
        status = httpx.codes.BAD_GATEWAY
    detail = _BROKE_DOWN if status >= httpx.codes.INTERNAL_SERVER_ERROR else _REFUSED
    return JSONResponse({"detail": detail}, status_code=status)


def _answer_headers(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in _headers(answer.headers.multi_items())
        if not name.lower().startswith("access-control-")  # the CORS middleware adds these
    ]


def _server(
    forward: Callable[[Request], Awaitable[Response]], access: Access, *middleware: Middleware
) -> Starlette:
    cors = Middleware(
        CORSMiddleware,
        allow_origins=sorted(access.origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["authorization", "content-type", "token"],
        max_age=3600,
    )
    return Starlette(
        routes=[Route("/{path:path}", forward, methods=_METHODS)],
        middleware=[Middleware(Guard, access=access), cors, *middleware],
        exception_handlers={405: _unknown_method},
    )


async def _unknown_method(request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": f"No route accepts the method {request.method}."}, status_code=405)


def _reason(error: Exception) -> str:
    """Return an error's message for the end of a sentence; some are empty, and some end with a full stop."""
    return str(error).rstrip(". ") or type(error).__name__


def _target(request: Request) -> str:
    """Return path and query as the client wrote them: decoding and encoding again could change them."""
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _headers(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in items if _is_passed_on(name)]


def _is_passed_on(name: str) -> bool:
    return name.lower() not in _HOP_BY_HOP | {SECRET_HEADER, OPERATOR_HEADER}


def _is_for_the_api(name: bytes, value: bytes) -> bool:
    """Tell whether a header goes upstream; with S3's own headers, an emulator would route a request to S3."""
    key = name.decode("latin-1").lower()
    is_storages = key.startswith("x-amz-") or (key == "content-encoding" and b"aws-chunked" in value.lower())
    return _is_passed_on(key) and not is_storages


def _body(request: Request) -> AsyncIterator[bytes] | bytes | None:
    if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
        return None
    return request.stream()


def _says_why(body: bytes) -> bool:
    """Tell whether an error is the API's own, with a ``detail``."""
    try:
        return "detail" in json.loads(body)
    except (ValueError, TypeError):
        return False


def _is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/")


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _is_too_large(request: Request) -> bool:
    """Tell whether the body is over the limit; reads such a body, so that the client reads the answer."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) <= MULTIPART_LIMIT:
        return False
    if declared is not None:
        async for _ in request.stream():
            continue
        return True
    return len(await request.body()) > MULTIPART_LIMIT
