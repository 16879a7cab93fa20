"""Admission control: few requests are handled at once, and none waits for ever.

The functions have a few workers on this machine, so more requests at once would only take memory. A request
is read completely first (into a file if it is large), so that a slow client holds nobody up. Then it waits in
order of arrival. If too many requests wait, or it waits too long, the answer is 503 with ``Retry-After``. An
admitted request gets its answer within the time that AWS's gateway allows.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable
from typing import IO, Any

from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.settings import RETRY_SECONDS

MOST_WAITING = 200
"""The most requests that wait for their turn."""

PATIENCE_SECONDS = 10.0
"""The longest that a request waits for its turn."""

ANSWER_SECONDS = 28.0
"""The time within which a request is answered, wait included; AWS's gateway allows 30 s."""

_MEMORY_BYTES = 256 * 1024
_CHUNK_BYTES = 256 * 1024

_BUSY = "Glimpse is busy with other requests; try again in a moment."
_NO_ROOM = "The request can't be stored while it waits: {reason}. Free space on the disk of temporary files."
_STARTING = "Glimpse is starting; try again in a moment."
_TOO_SLOW = "The request took too long; it may or may not have taken effect. Try again in a moment."


class Admission:
    """An application that handles only a few requests at once.

    Parameters
    ----------
    app
        The application.
    most
        The most requests that it handles at once.
    most_waiting
        The most requests that may wait.
    patience_seconds, answer_seconds
        The longest wait for a turn, and the longest total time until an answer begins.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int,
        most_waiting: int = MOST_WAITING,
        patience_seconds: float = PATIENCE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._app = app
        self._turns = asyncio.Semaphore(most)
        self._most_waiting = most_waiting
        self._patience_seconds = patience_seconds
        self._answer_seconds = answer_seconds
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        with tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as body:
            try:
                if not await _read(receive, body):
                    return  # the client disconnected
            except OSError as error:
                await _refuse(_NO_ROOM.format(reason=error.strerror), scope, receive, send)
                return
            gone = asyncio.ensure_future(receive())
            try:
                await self._queue(scope, _Replay(body, gone), gone, send)
            finally:
                gone.cancel()

    async def _queue(self, scope: Scope, receive: Receive, gone: asyncio.Future[Message], send: Send) -> None:
        deadline = time.monotonic() + self._answer_seconds
        if not self._turns.locked() or self._waiting < self._most_waiting:
            self._waiting += 1
            turn = asyncio.ensure_future(self._turns.acquire())
            either: set[asyncio.Future[Any]] = {turn, gone}
            try:
                await asyncio.wait(
                    either, timeout=self._patience_seconds, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                self._waiting -= 1
                has_turn = turn.done() and not turn.cancelled()
                turn.cancel()
            if has_turn:
                try:
                    await self._answer(scope, receive, send, deadline - time.monotonic())
                finally:
                    self._turns.release()
                return
            if gone.done():
                return
        await _refuse(_BUSY, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, seconds: float) -> None:
        """Let the application answer; answer 503 for it if it takes too long to begin."""
        begun = asyncio.Event()

        async def note_and_send(message: Message) -> None:
            begun.set()
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, receive, note_and_send))
        beginning = asyncio.ensure_future(begun.wait())
        try:
            await asyncio.wait({answering, beginning}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if answering.done() or begun.is_set():
                await answering
                return
        finally:
            answering.cancel()
            beginning.cancel()
        await _refuse(_TOO_SLOW, scope, receive, send)


async def starting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 503 while everything is still starting, instead of making clients wait."""
    await _refuse(_STARTING, scope, receive, send)


def admission(workers: int) -> Middleware:
    """Return the middleware for an application whose function has this many workers.

    One more request is passed on than there are workers, to be ready while an answer is still being sent.
    """
    return Middleware(Admission, most=workers + 1)


class _Replay:
    """Replays a request that was read, and then reports when the client disconnects."""

    def __init__(self, body: IO[bytes], gone: Awaitable[Message]) -> None:
        self._body = body
        self._gone = gone
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:
            return await self._gone
        chunk = self._body.read(_CHUNK_BYTES)
        self._ended = len(chunk) < _CHUNK_BYTES
        return {"type": "http.request", "body": chunk, "more_body": not self._ended}


async def _read(receive: Receive, body: IO[bytes]) -> bool:
    """Read a request's body; False if the client disconnected before its end."""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return False
        body.write(message.get("body", b""))
        if not message.get("more_body", False):
            body.seek(0)
            return True


async def _refuse(why: str, scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse({"detail": why}, status_code=503, headers={"Retry-After": str(RETRY_SECONDS)})
    await answer(scope, receive, send)
