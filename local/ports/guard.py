"""The guard of every server on the well-known ports: which requests it lets in.

The servers listen only on this machine, but its browser runs pages from everywhere. Such a page can send
requests to any port. If its own host name resolves to 127.0.0.1 (DNS rebinding), it could read the answers.
So each server checks the name it is addressed by (``Host``) and the page that sends the request (``Origin``).
Clients other than browsers send no ``Origin``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from secrets import compare_digest
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.settings import OWN_HOSTS

MAX_TARGET = 12_000
"""The most characters of path and query; AWS's gateway accepts 10,240, including the headers."""

MAX_HEADERS = 15_500
"""The most bytes of path, query and headers: the emulator's server reads 16,384, with what is added here."""

OPERATOR_HEADER = "x-glimpse-operator"
"""The header that carries the secret of the operator's routes."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DECODINGS = 8
_GIVEN_ONCE = ("Content-Length", "Content-Type", "Content-Encoding", "Authorization", "Token")
_CONTROLS = re.compile("%[01][0-9a-f]|%7f", re.IGNORECASE)
_NOSNIFF = (b"x-content-type-options", b"nosniff")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a server.

    Attributes
    ----------
    hosts
        The host names that it answers to, in lower case and without ports.
    origins
        The origins of pages that may use it, besides its own.
    """

    hosts: frozenset[str] = OWN_HOSTS
    origins: frozenset[str] = frozenset()


class Guard:
    """Refuses requests that use a foreign host name, come from a foreign page or are malformed.

    Parameters
    ----------
    app
        The server's application.
    access
        Who may use it.
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._misdirected(headers) or _malformed(scope, headers) or self._foreign(scope, headers)
        app = self._app if problem is None else JSONResponse({"detail": problem[1]}, problem[0])
        await app(scope, receive, _without_sniffing(send))

    def _misdirected(self, headers: Headers) -> tuple[int, str] | None:
        named = headers.getlist("host")
        if len(named) == 1 and re.sub(r":[0-9]*$", "", named[0].lower()) in self._access.hosts:
            return None
        known = " and ".join(sorted(self._access.hosts))
        return 403, f"This server answers only to {known}; add other names to GLIMPSE_ALLOWED_HOSTS."

    def _foreign(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        origins = headers.getlist("origin")
        itself = {f"{scheme}://{headers['host'].lower()}" for scheme in ("http", "https")}
        if any(origin.lower() not in self._access.origins | itself for origin in origins):
            return 403, "Pages of this origin may not use this server; add it to GLIMPSE_ALLOWED_ORIGINS."
        # Browsers omit the origin from some requests, but say whether another site's page sends them.
        if not origins and scope["method"] not in _SAFE and headers.get("sec-fetch-site") == "cross-site":
            return 403, "Pages of other sites may not use this server."
        return None


class JsonBodies:
    """Refuses bodies that are not declared as JSON: any page could send those without a CORS preflight.

    Parameters
    ----------
    app
        The server's application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            has_body = headers.get("content-length", "0").strip("0") or "transfer-encoding" in headers
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if has_body and not re.fullmatch(r"application/([\w.-]+\+)?json", kind):
                problem = {"detail": "Send the body as JSON, with Content-Type: application/json."}
                await JSONResponse(problem, 415)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class OperatorRoutes:
    """Restricts the operator's routes (``/models``, also under ``/api``) to clients that know the secret.

    Parameters
    ----------
    app
        The server's application.
    secret
        The value that ``X-Glimpse-Operator`` must have.
    where
        The file that holds the secret; the refusal names it.
    """

    def __init__(self, app: ASGIApp, *, secret: str, where: str) -> None:
        self._app = app
        self._secret = secret
        self._where = where

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and is_operators(target_of(scope)):
            said = Headers(scope=scope).get(OPERATOR_HEADER, "")
            if not compare_digest(said.encode(), self._secret.encode()):
                why = (
                    "This route is for the operator. Use `glimpse model` or `glimpse reindex`, or send the"
                    f" search_secret in {self._where} as X-Glimpse-Operator."
                )
                await JSONResponse({"detail": why}, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def target_of(scope: Scope) -> str:
    """Return a request's path as the client wrote it."""
    return str((scope.get("raw_path") or scope["path"].encode()).decode("latin-1"))


def is_operators(path: str) -> bool:
    """Tell whether a path is an operator's route, however often it is decoded."""
    segments = [segment for segment in re.split(r"[/\\;]", _readings(path)[-1].lower()) if segment.strip()]
    while segments and segments[0].strip() == "api":
        segments.pop(0)
    return bool(segments) and segments[0].strip() == "models"


def leaves_its_folder(path: str) -> bool:
    """Tell whether a path has ``.`` or ``..`` as a segment, however often it is decoded.

    Anything on the way to the API that normalises the path would send it elsewhere.
    """
    readings = _readings(path)
    segments = {
        segment.partition(";")[0].strip() for reading in readings for segment in re.split(r"[/\\]", reading)
    }
    return bool(segments & {".", ".."}) or len(readings) > _DECODINGS


def _readings(path: str) -> list[str]:
    """Return a path as it is, decoded once, decoded twice, and so on."""
    readings = [path]
    while len(readings) <= _DECODINGS and (decoded := unquote(readings[-1], "latin-1")) != readings[-1]:
        readings.append(decoded)
    return readings


def _malformed(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    target = target_of(scope)
    size = len(target) + len(scope["query_string"])
    if size > MAX_TARGET:
        return 414, f"The URL is too long: path and query can have at most {MAX_TARGET} characters."
    if size + sum(len(name) + len(value) + 4 for name, value in headers.raw) > MAX_HEADERS:
        return 431, f"The headers are too large: with the URL they can have at most {MAX_HEADERS} bytes."
    if "transfer-encoding" in headers and "content-length" in headers:
        return 400, "Send either Content-Length or Transfer-Encoding, not both."
    if twice := [name for name in _GIVEN_ONCE if len(headers.getlist(name)) > 1]:
        return 400, f"Send the header {twice[0]} only once."
    if _CONTROLS.search(target):
        return 400, "The path can't contain control characters."
    if not target.startswith("/") or leaves_its_folder(target):
        return 400, "The path must begin with / and must not contain . or .. as a segment."
    return None


def _without_sniffing(send: Send) -> Send:
    """Stop browsers from guessing an answer's content type."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            if not any(name.lower() == _NOSNIFF[0] for name, _ in headers):
                message = {**message, "headers": [*headers, _NOSNIFF]}
        await send(message)

    return marked
