"""The gate itself: an ASGI application around the emulator's."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.gate import signatures
from local.gate.forms import fields_of, is_form
from local.gate.requests import Denied, Request
from local.gate.signatures import Keys
from local.settings import OWN_HOSTS

SECRET_HEADER = "x-glimpse-gateway"  # noqa: S105 - the name of what holds it
"""The header in which the forwarder says the secret of the HTTP API."""

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of a body that is read before its signature can be checked."""

_HEALTH = frozenset({"/_localstack/health", "/_ministack/health"})
_EXECUTE_API = "/_aws/execute-api/"
_ANSWERS = "/_ministack/cfn-response/"
_INVOKES_REST_API = re.compile(r"/restapis/[^/]*/[^/]*/_user_request_")


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the gate asks of the emulator that it stands before.

    Attributes
    ----------
    keys
        Finds the secrets of access keys.
    is_open_bucket
        Tells of a bucket's name whether its objects are for browsers.
    is_awaited
        Tells of a token whether the answer of a custom resource is awaited with it.
    """

    keys: Keys
    is_open_bucket: Callable[[str], bool]
    is_awaited: Callable[[str], bool]


class Gate:
    """Lets through what may reach the emulator, and answers 403 to the rest.

    Parameters
    ----------
    app
        The emulator's application.
    lookups
        What is asked of it.
    port
        Where it is served.
    origins
        Origins of the pages that may read what signed addresses answer.
    secret
        What the forwarder says to reach the HTTP API.
    clock
        The time, for tests.
    """

    def __init__(
        self,
        app: ASGIApp,
        lookups: Lookups,
        *,
        port: int,
        origins: frozenset[str],
        secret: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._lookups = lookups
        self._hosts = frozenset(f"{host}:{port}" for host in OWN_HOSTS)
        self._origins = origins
        self._secret = secret.encode()
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing of Glimpse speaks by WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        request: Request | None = None
        try:
            request = Request.of(scope)
            self._check_host(request)
            if request.method == "OPTIONS":
                await _answer(send, 204, self._preflight(request))
                return
            receive, cors = await self._admit(request, receive)
        except Denied as refusal:
            known = request is not None and self._is_in_open_bucket(request.path)
            cors = self._cors(request.headers.get("origin")) if request is not None and known else []
            await _refuse(_with_cors(send, cors), refusal, request)
            return
        scope["headers"] = [item for item in scope["headers"] if not _is_kept_back(request, *item)]
        await self._app(scope, receive, _with_cors(send, cors))

    def _check_host(self, request: Request) -> None:
        # A page's own name may resolve to 127.0.0.1; its browser then takes this port for its origin's.
        if request.headers.get("host", "").lower() not in self._hosts:
            raise Denied("This port answers only to localhost and 127.0.0.1, with the port.")

    async def _admit(self, request: Request, receive: Receive) -> tuple[Receive, list[tuple[bytes, bytes]]]:
        """Decide about a request; give what its body is read from, and the CORS headers of its answer."""
        headers, path = request.headers, request.path
        if path.startswith(_EXECUTE_API):
            if not hmac.compare_digest(headers.get(SECRET_HEADER, "").encode(), self._secret):
                raise Denied("The API can be reached only at its own port.")
            return receive, []
        if is_form(request) and not signatures.is_signed_by_header(request):
            return await self._admit_form(request, receive)
        if signatures.is_signed_by_address(request):
            reads = request.method in {"GET", "HEAD"} and self._is_in_open_bucket(path)
            if path.startswith("/_") or ("origin" in headers and not reads):
                raise Denied("Signed addresses let pages read photographs, and nothing else.")
            signatures.verify_address(request, self._lookups.keys, self._clock())
            return receive, self._cors(headers.get("origin"))
        if "origin" in headers:
            raise Denied("This port is not for web pages.")
        if path in _HEALTH and request.method in {"GET", "HEAD"}:
            return receive, []
        if request.method == "PUT" and path.startswith(_ANSWERS):
            if not self._lookups.is_awaited(path.removeprefix(_ANSWERS)):
                raise Denied("No such answer is awaited.")
            return receive, []
        if not signatures.is_signed_by_header(request):
            raise Denied("Requests must be signed.", "MissingAuthenticationToken")
        # No service has paths like these; they are the emulator's own, and stay closed to all.
        if path.startswith("/_") or _INVOKES_REST_API.match(path):
            raise Denied("The emulator's own routes are closed.")
        check_body = signatures.verify_headers(request, self._lookups.keys, self._clock())
        return receive if check_body is None else await _checked(request, receive, check_body), []

    async def _admit_form(
        self, request: Request, receive: Receive
    ) -> tuple[Receive, list[tuple[bytes, bytes]]]:
        bucket = request.path.strip("/")
        plain = request.path in {f"/{bucket}", f"/{bucket}/"} and not request.query
        if not plain or not self._lookups.is_open_bucket(bucket):
            raise Denied("Forms are for uploading photographs.")
        if "authorization" in request.headers:
            raise Denied("A form is signed in its fields; send it without Authorization.", "InvalidArgument")
        fields, read = await fields_of(request, receive)
        signatures.verify_form(request, fields, self._lookups.keys)
        return _again(read, receive), self._cors(request.headers.get("origin"))

    def _preflight(self, request: Request) -> list[tuple[bytes, bytes]]:
        """Answer a browser that asks before a page's request."""
        cors = self._cors(request.headers.get("origin"))
        if not cors or not self._is_in_open_bucket(request.path):
            raise Denied("This port is not for web pages.")
        asked = request.headers.get("access-control-request-headers", "")
        if re.fullmatch(r"[\w\-, ]+", asked):
            cors.append((b"access-control-allow-headers", asked.encode()))
        return [
            *cors,
            (b"access-control-allow-methods", b"GET, HEAD, POST"),
            (b"access-control-max-age", b"3600"),
        ]

    def _is_in_open_bucket(self, path: str) -> bool:
        return self._lookups.is_open_bucket(path[1:].partition("/")[0])

    def _cors(self, origin: str | None) -> list[tuple[bytes, bytes]]:
        if origin is None or origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-expose-headers", b"ETag"),
            (b"vary", b"Origin"),
        ]


def _is_kept_back(request: Request, name: bytes, value: bytes) -> bool:
    """Tell whether a header ends here: the secret, and what makes a person's request an AWS client's."""
    if name.lower() == SECRET_HEADER.encode():
        return True
    is_aws = value.lstrip().startswith(b"AWS") or b"Credential=" in value
    return request.path.startswith(_EXECUTE_API) and name.lower() == b"authorization" and is_aws


def _with_cors(send: Send, cors: list[tuple[bytes, bytes]]) -> Send:
    """Have answers bear these CORS headers, and none of the emulator's, which names any origin."""

    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [
                item
                for item in message.get("headers", [])
                if not item[0].lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": [*own, *cors]}
        await send(message)

    return send_with_cors


async def _checked(request: Request, receive: Receive, check: Callable[[str], None]) -> Receive:
    """Read a body and check it; give what the emulator reads it from."""
    signed_whole = "x-amz-content-sha256" in request.headers  # then whoever sends it is known by now
    digest, size = hashlib.sha256(), 0
    read: list[Message] = []
    while True:
        message = await receive()
        read.append(message)
        if message["type"] != "http.request":
            raise Denied("The client went away before its body was whole.", "IncompleteBody")
        body = message.get("body", b"")
        digest.update(body)
        size += len(body)
        if size > BODY_LIMIT and not signed_whole:
            raise Denied("The body is too large.", "RequestEntityTooLarge")
        if not message.get("more_body", False):
            check(digest.hexdigest())
            return _again(read, receive)


def _again(read: list[Message], receive: Receive) -> Receive:
    """Give out messages that were read once more, and then what follows."""
    read.reverse()

    async def give() -> Message:
        return read.pop() if read else await receive()

    return give


async def _refuse(send: Send, refusal: Denied, request: Request | None) -> None:
    """Answer in the form that whoever asks reads: AWS's clients by protocol, everybody else JSON."""
    signed = request is not None and signatures.is_signed_by_header(request)
    if request is not None and signed and "x-amz-target" not in request.headers:
        error = f"<Error><Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message></Error>"
        alone = "/s3/aws4_request" in request.headers["authorization"]  # S3 has no element around it
        kind, body = b"text/xml", error if alone else f"<ErrorResponse>{error}</ErrorResponse>"
    else:
        words = {"detail": str(refusal), "__type": refusal.code, "message": str(refusal)}
        kind, body = b"application/json", json.dumps(words)
    headers = [(b"content-type", kind), (b"x-content-type-options", b"nosniff")]
    headers.append((b"x-amzn-errortype", refusal.code.encode()))
    await _answer(send, 403, headers, body.encode())


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
