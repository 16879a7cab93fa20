"""The embedded emulator's process: MiniStack, and what it lacks to run on one machine.

:mod:`local.emulator.launcher` starts it. MiniStack's own environment variables configure it, and three more:
``SNAPSHOT`` is the file for its state, ``UNDO`` the folder that records changes to objects since then, and
``WORKERS`` the number of workers a function may have. It adds to MiniStack:

- It ends with its parent: when the pipe on stdin closes, however the parent ended, it saves and stops.
- A gate lets only permitted requests through (:mod:`local.gate`).
- A client gets its answer only after the changes it made are on disk (:mod:`local.emulator.saving`).
- Each function has a few Lambda workers. One that dies takes no messages with it
  (:mod:`local.emulator.workers`), and none is left behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.types import Message, Receive, Scope, Send

from local.emulator import ministack
from local.emulator.identities import guarded
from local.emulator.saving import Saver
from local.emulator.undo import UndoLog
from local.emulator.workers import Workers

_INVOCATION = "/invocations"
_API = "/_aws/execute-api/"
_READS = {b"GetItem", b"BatchGetItem", b"Query", b"Scan", b"TransactGetItems", b"GetQueueAttributes"}

_STOPPING = "Glimpse is stopping; try again once it is running again."


class SavedApp:
    """MiniStack's application; it answers clients only once the changes they made are on disk.

    Workers and an operator's tools sign their requests with AWS's ``Authorization`` header. Those don't wait:
    waiting after each of a worker's dozen writes would take long, and no client has been promised anything
    yet. Calls from other backends to the search function do wait: they are invocations with the operator's
    signature.

    Parameters
    ----------
    saver
        Saves the state.
    """

    def __init__(self, saver: Saver) -> None:
        self._saver = saver
        self._stopping = False

    def stop(self) -> None:
        """Answer 503 to clients from now on."""
        self._stopping = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await ministack.app(scope, receive, send)
            return
        waits = _waits(scope)
        if waits and self._stopping:
            await _refuse(send, _STOPPING)
            return
        if scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
            send = self._once_noted(send, changes=_may_change(scope), waits=waits)
        await ministack.app(scope, receive, send)

    def _once_noted(self, send: Send, *, changes: bool, waits: bool) -> Send:
        """Note the request's change, and wait until everything changed so far is saved, before answering."""
        refused = False

        async def note_and_send(message: Message) -> None:
            nonlocal refused
            begins = message["type"] == "http.response.start"
            if begins and changes:
                self._saver.changed()
            if begins and waits:
                try:
                    await self._saver.saved()
                except Exception as error:
                    refused = True
                    await _refuse(send, f"The change can't be saved: {error}.")
            if not refused:
                await send(message)

        return note_and_send


async def main() -> None:
    """Serve until stdin closes or a signal arrives."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_watch_starter, args=(loop, stop), daemon=True).start()
    ministack.send_events_at_once()
    undo = UndoLog(Path(os.environ["UNDO"]), Path(os.environ["S3_DATA_DIR"]))
    ministack.note_object_changes(undo.before_change)
    Workers(int(os.environ["WORKERS"])).install()
    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0  # only workers still have requests open, and they have ended by then
    saver = Saver(Path(os.environ["SNAPSHOT"]), undo)
    app = SavedApp(saver)
    saving = asyncio.create_task(saver.run())

    async def ended() -> None:
        await stop.wait()
        app.stop()
        with suppress(Exception):  # it is already logged, and the final save may succeed
            await saver.saved()  # save now: the rest takes seconds and may be cut short
        with ThreadPoolExecutor(1) as executor:  # workers' requests occupy the loop's own executor
            await loop.run_in_executor(executor, ministack.end_workers)
        ministack.keep_from_saving()  # its own save adds nothing

    await serve(guarded(app), config, shutdown_trigger=ended)  # type: ignore[arg-type]  # plain ASGI
    saving.cancel()
    await saver.save()


def _waits(scope: Scope) -> bool:
    """Tell whether the client takes the answer as a promise that its change is kept.

    That holds for requests to the API, requests to storage by presigned URL or form, and invocations other
    than a worker's.
    """
    if scope["path"].startswith("/_localstack/"):
        return False
    signed = dict(scope["headers"]).get(b"authorization", b"")
    if not signed.startswith(b"AWS4-HMAC-SHA256"):
        return True
    return scope["path"].endswith(_INVOCATION) and b"Credential=ASIA" not in signed  # a role's session


def _may_change(scope: Scope) -> bool:
    """Tell whether a request itself may change anything.

    Reads of tables are POST requests too. A function makes its changes by separate requests.
    """
    if scope["path"].endswith(_INVOCATION) or scope["path"].startswith(_API):
        return False
    target = dict(scope["headers"]).get(b"x-amz-target", b"").partition(b".")[2]
    return target not in _READS


async def _refuse(send: Send, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _watch_starter(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while sys.stdin.buffer.read(1):
        pass
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    asyncio.run(main())
