"""Reaches the search service by Lambda's Invoke, with the event that a gateway would send."""

from __future__ import annotations

import base64
import binascii
import json
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glimpse.aws import lazy_client
from glimpse.search_client.transport import MAX_PAYLOAD_BYTES, Response, TransportError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_lambda import LambdaClient

_TOO_LARGE = "A request to search can have at most 6 MB; send less at a time."


class InvokeTransport:
    """A :class:`~glimpse.search_client.transport.Transport` that invokes the search function.

    Parameters
    ----------
    function : str
        Name or ARN of the function, with or without a qualifier.
    qualifier : str, optional
        Alias or version, if not in `function`.
    timeout_seconds : float
        How long to wait for a response.
    wait : bool
        If False, requests are invoked asynchronously, and the response is an empty 202.
    endpoint_url : str, optional
        Lambda's endpoint; by default the environment's.
    session : boto3.Session, optional
        Credentials and region; by default those of the environment.
    """

    def __init__(
        self,
        function: str,
        qualifier: str | None = None,
        *,
        timeout_seconds: float = 28,
        wait: bool = True,
        endpoint_url: str | None = None,
        session: boto3.Session | None = None,
    ) -> None:
        self._function = f"{function}:{qualifier}" if qualifier else function
        self._type: Literal["RequestResponse", "Event"] = "RequestResponse" if wait else "Event"
        # No retries: an invocation that timed out may still be running, and a second one would run alongside
        # it.
        self._client: LambdaClient = lazy_client(
            "lambda",
            session=session,
            endpoint_url=endpoint_url,
            config=Config(
                connect_timeout=min(2, timeout_seconds),
                read_timeout=timeout_seconds,
                max_pool_connections=32,
                retries={"mode": "standard", "total_max_attempts": 1},
            ),
        )

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send one request; raise TransportError if there is no response."""
        payload = json.dumps(_event(method, path, headers, body)).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            return Response.problem(413, _TOO_LARGE)
        try:
            answer = self._client.invoke(
                FunctionName=self._function, InvocationType=self._type, Payload=payload
            )
            result = answer["Payload"].read()
        except (ClientError, BotoCoreError) as error:
            raise TransportError(f"the search function could not be invoked: {error}") from error
        if "FunctionError" in answer:
            raise TransportError(f"the search function failed: {_error_of(result)}")
        return _response(result) if self._type == "RequestResponse" else Response(202, {}, b"{}")


def _event(method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return a request in API Gateway's payload format 2.0, which function URLs use too."""
    raw_path, _, query = path.partition("?")
    named = {name.lower(): value for name, value in headers.items()}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": named,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "invoke",
            "domainName": named.get("host", "search.invoke"),
            "domainPrefix": "search",
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": named.get("user-agent", "glimpse"),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "timeEpoch": int(time.time() * 1000),
        },
        "isBase64Encoded": False,
    }
    if body:
        try:
            event["body"] = body.decode()
        except UnicodeDecodeError:
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


def _response(payload: bytes) -> Response:
    try:
        answer = json.loads(payload)
        text = answer.get("body") or ""
        body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        headers = {name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
        return Response(int(answer["statusCode"]), headers, body)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise TransportError("the search function did not answer with an HTTP response") from error


def _error_of(payload: bytes) -> str:
    """Return the error type that an invocation reports, without the message, which may contain anything."""
    try:
        return str(json.loads(payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "unknown error"
