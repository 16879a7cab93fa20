"""Requests wait for their turn: few are worked on at once, and none waits for ever.

The functions have a few workers on this machine, so more requests at once than those would only take memory.
A request is read to its end first (to a file, if it is large), so that a slow client keeps nobody else
waiting. Then it waits in order of arrival. Past a bound, of requests or of seconds, it is answered 503 with
``Retry-After``; and what is worked on is answered within a gateway's time.
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
"""Requests that wait for their turn."""

PATIENCE_SECONDS = 10.0
"""How long one waits."""

ANSWER_SECONDS = 28.0
"""Within what time it is answered, the wait included; AWS's gateway gives it 30 s."""

_MEMORY_BYTES = 256 * 1024
_CHUNK_BYTES = 256 * 1024

_BUSY = "Glimpse is busy with other requests; try again in a moment."
_NO_ROOM = "The request can't be kept while it waits: {reason}. Make room on the disk of temporary files."
_STARTING = "Glimpse is starting; try again in a moment."
_TOO_SLOW = "This took too long; it may or may not have had its effect. Try again in a moment."


class Admission:
    """An application of which a few requests are worked on at once.

    Parameters
    ----------
    app
        The application.
    most
        How many of its requests are worked on at once.
    most_waiting
        How many may wait.
    patience_seconds, answer_seconds
        How long a request may wait for its turn, and how long altogether until its answer begins.
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
                    return  # the client went away
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
        """Have the application answer, or do it for an application that takes too long to begin."""
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
    """Answer whoever asks while everything is still starting, rather than let them wait for the end of it."""
    await _refuse(_STARTING, scope, receive, send)


def admission(workers: int) -> Middleware:
    """Return the middleware for an application behind which a function has so many workers.

    One request more is passed on than there are workers: it is taken up while an answer is still on its way.
    """
    return Middleware(Admission, most=workers + 1)


class _Replay:
    """Receives a request again that was read, and then the client's going away."""

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
    """Read a request's body; False if the client went away before its end."""
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
