"""The gate itself: an ASGI application that wraps the emulator's."""

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
"""The header in which the forwarder sends the HTTP API's secret."""

BODY_LIMIT = 64 * 1024 * 1024
"""The most bytes of a body that must be read before its signature can be checked."""

_HEALTH = frozenset({"/_localstack/health", "/_ministack/health"})
_EXECUTE_API = "/_aws/execute-api/"
_ANSWERS = "/_ministack/cfn-response/"
_INVOKES_REST_API = re.compile(r"/restapis/[^/]*/[^/]*/_user_request_")


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the gate asks the emulator behind it.

    Attributes
    ----------
    keys
        Finds the secret of an access key.
    is_open_bucket
        Takes a bucket's name; tells whether browsers may access its objects.
    is_awaited
        Takes a token; tells whether a custom resource's response that carries this token is awaited.
    """

    keys: Keys
    is_open_bucket: Callable[[str], bool]
    is_awaited: Callable[[str], bool]


class Gate:
    """Lets permitted requests through to the emulator, and answers 403 to the rest.

    Parameters
    ----------
    app
        The emulator's application.
    lookups
        Look-ups in the emulator's state.
    port
        The emulator's port.
    origins
        Origins of the pages that may read the answers of presigned URLs.
    secret
        The secret that the forwarder sends to reach the HTTP API.
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
        if scope["type"] != "http":  # Glimpse does not use WebSockets
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
        # A page's own host name may resolve to 127.0.0.1; its browser then treats this port as same-origin.
        if request.headers.get("host", "").lower() not in self._hosts:
            raise Denied("This port answers only to localhost and 127.0.0.1, followed by the port number.")

    async def _admit(self, request: Request, receive: Receive) -> tuple[Receive, list[tuple[bytes, bytes]]]:
        """Admit or deny a request; return a ``receive`` for its body, and the CORS headers of its answer."""
        headers, path = request.headers, request.path
        if path.startswith(_EXECUTE_API):
            if not hmac.compare_digest(headers.get(SECRET_HEADER, "").encode(), self._secret):
                raise Denied("The API can be reached only on its own port.")
            return receive, []
        if is_form(request) and not signatures.is_signed_by_header(request):
            return await self._admit_form(request, receive)
        if signatures.is_signed_by_address(request):
            reads = request.method in {"GET", "HEAD"} and self._is_in_open_bucket(path)
            if path.startswith("/_") or ("origin" in headers and not reads):
                raise Denied("Pages may use signed URLs only to read photographs.")
            signatures.verify_address(request, self._lookups.keys, self._clock())
            return receive, self._cors(headers.get("origin"))
        if "origin" in headers:
            raise Denied("This port is not for web pages.")
        if path in _HEALTH and request.method in {"GET", "HEAD"}:
            return receive, []
        if request.method == "PUT" and path.startswith(_ANSWERS):
            if not self._lookups.is_awaited(path.removeprefix(_ANSWERS)):
                raise Denied("No custom resource's response is awaited at this URL.")
            return receive, []
        if not signatures.is_signed_by_header(request):
            raise Denied("The request must be signed.", "MissingAuthenticationToken")
        # No AWS service has such paths: they are the emulator's own, and nobody may use them.
        if path.startswith("/_") or _INVOKES_REST_API.match(path):
            raise Denied("The emulator's own routes can't be used.")
        check_body = signatures.verify_headers(request, self._lookups.keys, self._clock())
        return receive if check_body is None else await _checked(request, receive, check_body), []

    async def _admit_form(
        self, request: Request, receive: Receive
    ) -> tuple[Receive, list[tuple[bytes, bytes]]]:
        bucket = request.path.strip("/")
        plain = request.path in {f"/{bucket}", f"/{bucket}/"} and not request.query
        if not plain or not self._lookups.is_open_bucket(bucket):
            raise Denied("Forms can only upload photographs, to the bucket's own URL.")
        if "authorization" in request.headers:
            raise Denied(
                "A form is signed in its fields; send it without an Authorization header.", "InvalidArgument"
            )
        fields, read = await fields_of(request, receive)
        signatures.verify_form(request, fields, self._lookups.keys)
        return _again(read, receive), self._cors(request.headers.get("origin"))

    def _preflight(self, request: Request) -> list[tuple[bytes, bytes]]:
        """Return the headers that answer a browser's CORS preflight request."""
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
    """Tell whether to drop a header: the secret, or one that makes a person's request look like AWS's."""
    if name.lower() == SECRET_HEADER.encode():
        return True
    is_aws = value.lstrip().startswith(b"AWS") or b"Credential=" in value
    return request.path.startswith(_EXECUTE_API) and name.lower() == b"authorization" and is_aws


def _with_cors(send: Send, cors: list[tuple[bytes, bytes]]) -> Send:
    """Replace the CORS headers of answers: the emulator's own allow any origin."""

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
    """Read a body and check it; return a ``receive`` from which the emulator reads it."""
    signed_whole = "x-amz-content-sha256" in request.headers  # then the sender has already been verified
    digest, size = hashlib.sha256(), 0
    read: list[Message] = []
    while True:
        message = await receive()
        read.append(message)
        if message["type"] != "http.request":
            raise Denied("The client disconnected before the end of the body.", "IncompleteBody")
        body = message.get("body", b"")
        digest.update(body)
        size += len(body)
        if size > BODY_LIMIT and not signed_whole:
            raise Denied(
                f"The body is larger than {BODY_LIMIT} bytes; sign its SHA-256.", "RequestEntityTooLarge"
            )
        if not message.get("more_body", False):
            check(digest.hexdigest())
            return _again(read, receive)


def _again(read: list[Message], receive: Receive) -> Receive:
    """Replay messages that were already read, then pass on those that follow."""
    read.reverse()

    async def give() -> Message:
        return read.pop() if read else await receive()

    return give


async def _refuse(send: Send, refusal: Denied, request: Request | None) -> None:
    """Answer in the form that the client reads: AWS clients in their protocol, all others in JSON."""
    signed = request is not None and signatures.is_signed_by_header(request)
    if request is not None and signed and "x-amz-target" not in request.headers:
        error = f"<Error><Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message></Error>"
        alone = "/s3/aws4_request" in request.headers["authorization"]  # S3 does not wrap the element
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
