"""One log line per request, and an answer also to a surprise."""

import asyncio
import itertools
import json
from typing import Any

import pytest
from glimpse.http import Boundary, Problems
from glimpse.logs import get_logger
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

services = itertools.count()


def run(app: Any, scope: Scope) -> list[Any]:
    """Send one request through a Boundary, with a logger that writes to this test's stderr."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    boundary = Boundary(app, get_logger(f"test-{next(services)}"), Problems(), noted=["user_id"])
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(boundary(scope, receive, send))
    finally:
        loop.close()
    return sent


def a_scope() -> Scope:
    return {
        "type": "http",
        "method": "GET",
        "path": "/secret-path",
        "query_string": b"token=secret-token",
        "headers": [(b"authorization", b"Bearer secret-token")],
    }


def test_a_request_is_one_line_without_path_query_or_token(capsys: pytest.CaptureFixture[str]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        state = Request(scope).state
        state.user_id, state.body = 7, "secret"
        await PlainTextResponse("fine", 201)(scope, receive, send)

    sent = run(app, a_scope())
    assert sent[0]["status"] == 201
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert "secret" not in line
    fields = json.loads(line)
    assert {"message": "request", "method": "GET", "status": 201, "user_id": 7}.items() <= fields.items()
    assert fields["duration_ms"] >= 0


def test_a_surprise_is_one_line_with_the_traceback_and_a_sentence_for_the_client(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError("inside")

    start, body = run(app, a_scope())
    assert start["status"] == 500
    assert list(json.loads(body["body"])) == ["detail"]
    assert b"inside" not in body["body"]
    (line,) = capsys.readouterr().err.splitlines()
    fields = json.loads(line)
    assert (fields["level"], fields["status"]) == ("ERROR", 500)
    assert "ZeroDivisionError" in fields["exception"]


def test_half_an_answer_is_broken_off(capsys: pytest.CaptureFixture[str]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError("inside")

    with pytest.raises(ZeroDivisionError):
        run(app, a_scope())
