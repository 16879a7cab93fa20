"""The embedded emulator's process: MiniStack, with what a run on one machine needs around it.

Started by :mod:`local.emulator.launcher`; configured by MiniStack's own environment variables, and by
``SNAPSHOT``, where its state goes, ``UNDO``, where is noted what was done to objects since, and ``WORKERS``,
how many a function may have. It adds

- an end with its starter's: when the pipe on stdin closes, however the starter ended, it saves and stops;
- a gate that lets through what is signed alone (:mod:`local.gate`);
- answers to clients only when what they changed is on disk (:mod:`local.emulator.saving`);
- a few Lambda workers a function, none of which takes messages with it when it dies
  (:mod:`local.emulator.workers`), and none left behind.
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

_STOPPING = "Glimpse is stopping; try again when it runs again."


class SavedApp:
    """MiniStack's application, whose answers to clients wait until what they changed is on disk.

    Workers, and an operator's tools, sign their requests with an ``Authorization`` header of AWS: those don't
    wait. Between a worker's dozen writes it would take long, and nobody has been promised anything yet. What
    another backend has the search function do does wait: it is invoked with the operator's signature.

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
        """Answer once a change is noted, and everything that has changed by then is saved."""
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
                    await _refuse(send, f"What was sent can't be saved: {error}.")
            if not refused:
                await send(message)

        return note_and_send


async def main() -> None:
    """Serve until stdin closes or a signal comes."""
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
    config.graceful_timeout = 1.0  # requests still open are a worker's, and those have been ended by then
    saver = Saver(Path(os.environ["SNAPSHOT"]), undo)
    app = SavedApp(saver)
    saving = asyncio.create_task(saver.run())

    async def ended() -> None:
        await stop.wait()
        app.stop()
        with suppress(Exception):  # it is in the log; and the last save may succeed
            await saver.saved()  # what follows takes seconds, and may be cut short
        with ThreadPoolExecutor(1) as executor:  # the loop's own is taken by workers' requests
            await loop.run_in_executor(executor, ministack.end_workers)
        ministack.keep_from_saving()  # its own way has nothing to add

    await serve(guarded(app), config, shutdown_trigger=ended)  # type: ignore[arg-type]  # plain ASGI
    saving.cancel()
    await saver.save()


def _waits(scope: Scope) -> bool:
    """Tell whether whoever sent a request takes its answer for a promise.

    Those are requests to the API, to storage by a signed address or form, and invocations but a worker's.
    """
    if scope["path"].startswith("/_localstack/"):
        return False
    signed = dict(scope["headers"]).get(b"authorization", b"")
    if not signed.startswith(b"AWS4-HMAC-SHA256"):
        return True
    return scope["path"].endswith(_INVOCATION) and b"Credential=ASIA" not in signed  # a role's session


def _may_change(scope: Scope) -> bool:
    """Tell whether a request changes anything itself.

    Tables are read by POST, too; and what a function changes it asks for by requests of its own.
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
