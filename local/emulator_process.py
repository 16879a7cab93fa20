"""The embedded emulator's process: MiniStack, with what a run on one machine needs around it.

Started by :mod:`local.emulator`; configured by MiniStack's own environment variables. It adds

- an end with its starter's: when the pipe on stdin closes, however the starter ended, it saves and stops;
- the state on disk at most two seconds behind, where MiniStack saves only when it is stopped;
- no Lambda worker left behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.core.persistence import save_all

SAVE_SECONDS = 2.0

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class SavedApp:
    """MiniStack's application; notes which requests may have changed something, and saves after them."""

    def __init__(self) -> None:
        self._changed = False

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        await ministack.app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
            self._changed = True

    async def save_while_running(self) -> None:
        """Save every two seconds in which something was asked to change.

        In the event loop's thread, where requests change the state: a snapshot holds no half of a request.
        """
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            if self._changed:
                self._changed = False
                save_all(ministack._build_persistence_save_dict())


async def main() -> None:
    """Serve until stdin closes or a signal comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_watch_starter, args=(loop, stop), daemon=True).start()
    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0  # requests still open are a worker's, and those have been ended by then
    app = SavedApp()
    saving = asyncio.create_task(app.save_while_running())

    async def ended() -> None:
        await stop.wait()
        saving.cancel()
        # Before the last save, so that nothing changes after it.
        await asyncio.to_thread(lambda_runtime.reset)

    await serve(app, config, shutdown_trigger=ended)  # type: ignore[arg-type]  # MiniStack's app is plain ASGI


def _watch_starter(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while sys.stdin.buffer.read(1):
        pass
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    asyncio.run(main())
