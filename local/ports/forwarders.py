"""The servers on the well-known ports: each passes requests on to the deployed stack."""

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
from local.ports.guard import OPERATOR_HEADER, Access, Guard, JsonBodies, OperatorRoutes
from local.settings import DEFAULT_WORKERS

MULTIPART_LIMIT = 4_500_000
"""Bytes of multipart that fit through API Gateway and Lambda: 6 MB of base64 in the event."""

_TOO_LARGE = (
    "A multipart upload may have 4.5 MB at most here, as in AWS. Send larger ones directly to storage:"
    " POST /api/uploads answers an address per file."
)

_NO_TEXT = "The body is not text in UTF-8; send JSON in that encoding."

_REFUSED = "The API can't be asked this; check the address and the headers."
"""In place of an emulator's own words, or its storage's, about a request that never came to the API."""

_BROKE_DOWN = "The API broke down over this request; try again."
"""In place of an emulator's own words about a worker that ended."""

# RFC 9110, 7.6.1: fields for one connection only; and those that the next request or response states itself.
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

_NO_ROUTE = "There is no such route; /docs lists those that there are."


class SearchTransport(Protocol):
    """What the search forwarder needs of ``glimpse.search_client.InvokeTransport``."""

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
    """Make the server that passes requests on to the HTTP API, streaming uploads and answers.

    Parameters
    ----------
    gateway
        Address of the API's stage at the endpoint, without a slash at its end.
    gateway_limits
        Answer multipart bodies of more than 4.5 MB with 413, as in AWS.
    access
        Who may ask.
    secret
        What the embedded emulator's gate wants to see; None for another emulator.
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

    return _server(forward, access, admission(workers))


def search_forwarder(
    transport: SearchTransport,
    *,
    access: Access,
    secret: str,
    where: Path,
    workers: int = DEFAULT_WORKERS,
) -> Starlette:
    """Make the server that passes requests on to the search function by Invoke, with its own credentials.

    Parameters
    ----------
    transport
        Reaches the function.
    access
        Who may ask.
    secret
        What opens the operator's routes.
    where
        The file that holds it.
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
        Middleware(JsonBodies),
        Middleware(OperatorRoutes, secret=secret, where=str(where)),
        admission(workers),
    )


async def _answered_here(request: Request, *, gateway_limits: bool) -> Response | None:
    """Answer what the HTTP API must not get, or its gateway would answer itself; None for the rest."""
    if not re.match(r"/+([A-Za-z]|$)", _target(request).partition("?")[0]):
        return JSONResponse({"detail": _NO_ROUTE}, status_code=404)  # an emulator's own routes begin with _
    if gateway_limits and _is_multipart(request) and await _is_too_large(request):
        return JSONResponse({"detail": _TOO_LARGE}, status_code=413)
    if not _is_multipart(request) and not _is_text(await request.body()):
        # An emulator's gateway would put other characters in their place.
        return JSONResponse({"detail": _NO_TEXT}, status_code=400)
    if request.method == "OPTIONS":  # no preflight, but with CORS the gateway answers every one
        return Response(status_code=204)
    return None


async def _relayed(answer: httpx.Response) -> Response:
    """Pass an answer on as it comes, but what is not the API's in words of our own.

    Raises
    ------
    httpx.HTTPError
        If an error can't be read to its end.
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
        if not name.lower().startswith("access-control-")  # the middleware's, not twice
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
    return JSONResponse({"detail": f"No route takes the method {request.method}."}, status_code=405)


def _reason(error: Exception) -> str:
    """Give an error's words for the end of a sentence; some have none, and some are sentences."""
    return str(error).rstrip(". ") or type(error).__name__


def _target(request: Request) -> str:
    """Give path and query as the client wrote them: decoding and encoding again could change them."""
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _headers(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in items if _is_passed_on(name)]


def _is_passed_on(name: str) -> bool:
    return name.lower() not in _HOP_BY_HOP | {SECRET_HEADER, OPERATOR_HEADER}


def _is_for_the_api(name: bytes, value: bytes) -> bool:
    """Tell whether a header goes upstream; an emulator takes a request with storage's own for one to S3."""
    key = name.decode("latin-1").lower()
    is_storages = key.startswith("x-amz-") or (key == "content-encoding" and b"aws-chunked" in value.lower())
    return _is_passed_on(key) and not is_storages


def _body(request: Request) -> AsyncIterator[bytes] | bytes | None:
    if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
        return None
    return request.stream()


def _says_why(body: bytes) -> bool:
    """Tell whether an error is the API's own, with its sentence."""
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
    """Tell whether the body is over the limit; it has been read then, so that the client reads the answer."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) <= MULTIPART_LIMIT:
        return False
    if declared is not None:
        async for _ in request.stream():
            continue
        return True
    return len(await request.body()) > MULTIPART_LIMIT
