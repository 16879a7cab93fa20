"""A gate with an inner application that notes what reaches it, and requests that boto3 has really signed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import boto3
import httpx
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from local.gate.gate import Gate, Lookups
from local.gate.signatures import Secret

PORT = 4566
BASE = f"http://127.0.0.1:{PORT}"
PAGE = "http://localhost:3000"
SECRET = "the gateway's"
USER, ROLE = "AKIAUSER", "ASIAROLE"
KEYS = {USER: Secret("the user's"), ROLE: Secret("the role's", "the role's token")}
TOKENS = {"awaited"}


class Inner:
    """An emulator that notes what reaches it."""

    def __init__(self) -> None:
        self.reached: list[tuple[str, str, bytes]] = []
        self.headers: dict[str, str] = {}
        self.now = datetime.now(UTC)
        self.gate = Gate(
            self,
            Lookups(KEYS.get, lambda name: name == "images", TOKENS.__contains__),
            port=PORT,
            origins=frozenset({PAGE}),
            secret=SECRET,
            clock=lambda: self.now,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        self.reached.append((scope["method"], scope["path"], body))
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        headers = [(b"access-control-allow-origin", b"*"), (b"content-type", b"text/xml")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<r/>"})

    def send(self, method: str, url: str, **given: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.gate)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, url, **given)

        return asyncio.run(ask())

    def passes(self, method: str, url: str, **given: Any) -> bool:
        before = len(self.reached)
        status = self.send(method, url, **given).status_code
        assert status in {200, 403}
        assert (len(self.reached) == before) == (status == 403)
        return status == 200


CAUGHT: list[AWSPreparedRequest] = []


SESSION = boto3.Session(region_name="us-east-1")  # one, so that the services' descriptions are read once


def catch(request: AWSPreparedRequest, **_: object) -> None:
    """Keep a request that boto3 has signed, in place of sending it."""
    CAUGHT.append(request)
    raise EndpointConnectionError(endpoint_url=BASE)


@cache
def client(service: str, key: str, secret: Secret, *, sign_body: bool = True) -> Any:
    """A real client, made once."""
    config = Config(
        signature_version="s3v4" if service == "s3" else None,
        retries={"max_attempts": 0},
        s3={"payload_signing_enabled": sign_body},
    )
    made = SESSION.client(
        service,
        endpoint_url=BASE,
        config=config,
        aws_access_key_id=key,
        aws_secret_access_key=secret.key,
        aws_session_token=secret.token,
    )
    made.meta.events.register("before-send", catch)
    return made


class Signer:
    """Real clients of boto3 with one access key."""

    def __init__(self, key: str = USER, secret: Secret | None = None, *, sign_body: bool = True) -> None:
        self._client = partial(client, key=key, secret=secret or KEYS[key], sign_body=sign_body)

    def client(self, service: str) -> Any:
        return self._client(service)

    def sign(self, service: str, call: str, **parameters: Any) -> dict[str, Any]:
        """The request of a call, as httpx takes it."""
        with suppress(EndpointConnectionError):
            getattr(self.client(service), call)(**parameters)
        request = CAUGHT.pop()
        body = request.body.read() if hasattr(request.body, "read") else request.body
        content = body.encode() if isinstance(body, str) else bytes(body or b"")
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        return {"method": request.method, "url": request.url, "headers": headers, "content": content}
