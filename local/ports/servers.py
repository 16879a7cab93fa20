"""Run servers in a thread; when they stop, requests that are still open get an answer."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading

import h11
import uvicorn
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_GRACE_SECONDS = 0.5
_STOPPING = "Glimpse is stopping; this request may or may not have taken effect."


class Servers:
    """Several servers in one thread, each on a socket that is already bound."""

    def __init__(self) -> None:
        self._servers: list[tuple[uvicorn.Server, socket.socket]] = []
        self._thread = threading.Thread(target=self._serve, name="servers", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()

    def add(self, app: ASGIApp, listener: socket.socket, origins: frozenset[str] = frozenset()) -> None:
        """Add a server; call before ``start``.

        Parameters
        ----------
        app
            Its application.
        listener
            Its socket.
        origins
            Origins of the pages that may read the 503 that it sends when it stops.
        """
        config = uvicorn.Config(
            _Answering(app, self._ending, origins),
            lifespan="off",
            log_level=logging.WARNING,
            access_log=False,
            timeout_graceful_shutdown=2,
            http=_Protocol,
            h11_max_incomplete_event_size=1 << 20,  # room to answer an oversized request in JSON
        )
        self._servers.append((uvicorn.Server(config), listener))

    def start(self) -> None:
        """Start serving in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving. Requests in progress have half a second to finish; the rest are answered 503."""
        for server, _ in self._servers:
            server.should_exit = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.call_later, _GRACE_SECONDS, self._ending.set)
            self._thread.join(timeout=3)

    def _serve(self) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in self._servers))

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(all_of_them())


class _Protocol(H11Protocol):
    """Answers invalid HTTP in JSON; uvicorn's own answer is plain text."""

    def send_400_response(self, msg: str) -> None:
        """Answer a request that can't be parsed, and close the connection."""
        body = json.dumps({"detail": f"{msg.rstrip('.')}; check its first line and its headers."}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Answering:
    """An application whose open requests are answered 503 when the servers stop.

    Otherwise uvicorn cancels them, which prints a traceback and answers in plain text.
    """

    def __init__(self, app: ASGIApp, ending: asyncio.Event, origins: frozenset[str]) -> None:
        self._app = app
        self._ending = ending
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = cut_off = False

        async def note_and_send(message: Message) -> None:
            nonlocal begun
            if not cut_off:
                begun = True
                await send(message)

        answering = asyncio.ensure_future(self._app(scope, receive, note_and_send))
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({answering, ending}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await answering
                return
            cut_off = True
        finally:
            # Not awaited: work in a thread (an invocation of the search function) runs to completion.
            answering.cancel()
            ending.cancel()
        if not begun:
            origin = Headers(scope=scope).get("origin", "")
            allowed = {"access-control-allow-origin": origin, "vary": "Origin"}  # or the page can't read it
            headers = allowed if origin in self._origins else None
            await JSONResponse({"detail": _STOPPING}, 503, headers)(scope, receive, send)
