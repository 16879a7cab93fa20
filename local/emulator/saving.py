"""Save MiniStack's state while it runs.

MiniStack itself saves only when it stops, service by service. Here all services are saved as of one moment,
so that queues, tables and objects (:mod:`local.emulator.undo`) always agree. A client's request is answered
once its changes are on disk. Changes by workers follow within a fraction of a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from local.emulator import logs, ministack, snapshot
from local.emulator.undo import UndoLog

BEHIND_SECONDS = 0.25
"""How long a change that no client waits for may be missing on disk."""

REST_SECONDS = 2.0
"""The same for services outside `_RECORDS`, which change with deployments and logs."""

# The services that the application's requests change; S3 objects are separate files.
_RECORDS = frozenset({"dynamodb", "sqs"})

_TRIES = 20

_log = logging.getLogger(__name__)


class Saver:
    """Saves after changes; must be used in the event loop's thread.

    Parameters
    ----------
    path
        The snapshot's file.
    undo
        Records the changes to objects since the snapshot.
    """

    def __init__(self, path: Path, undo: UndoLog) -> None:
        self._path = path
        self._undo = undo
        self._states: dict[str, str] = {}
        self._changes = 0
        self._saved_changes = -1  # there may be no snapshot yet
        self._rest_saved = float("-inf")
        self._wanted = asyncio.Event()
        self._due: asyncio.TimerHandle | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._executor = ThreadPoolExecutor(1)  # workers' requests occupy the loop's own executor

    def changed(self) -> None:
        """Note that something may have changed."""
        self._changes += 1
        self._save_within(BEHIND_SECONDS)

    async def saved(self) -> None:
        """Wait until everything that has changed by now is on disk.

        Raises
        ------
        OSError, ValueError
            If it can't be saved; see :meth:`save`.
        """
        if self._saved_changes == self._changes:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._wanted.set()
        await done

    async def run(self) -> None:
        """Save whenever a save is due, once for all waiting clients; never returns."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._due is not None:
                self._due.cancel()
                self._due = None
            waiting, self._waiting = self._waiting, []
            began = time.monotonic()
            rest = began - self._rest_saved >= REST_SECONDS
            try:
                await self.save(rest=rest)
            except Exception as error:  # the waiting clients must learn of it, and the next try may succeed
                _log.exception("The state can't be saved")
                _answer(waiting, error)
                self._save_within(REST_SECONDS)
            else:
                _answer(waiting, None)
                if not rest:
                    self._save_within(REST_SECONDS)
            await asyncio.sleep(time.monotonic() - began)  # leave half of the time to requests

    async def save(self, *, rest: bool = True) -> None:
        """Save now.

        Parameters
        ----------
        rest
            Save all services, not only those that the application changes all the time.

        Raises
        ------
        OSError
            If the file can't be written, or the state keeps changing while it is read.
        ValueError
            If the state of a service can't be encoded. Then the previous snapshot stays. A snapshot without
            that service would be useless at the next start (a function without its role, say).
        """
        began = time.monotonic()
        # Both in one step: all requests that change objects are answered in this thread.
        changes, covered = self._changes, self._undo.close()
        self._states = {**self._states, **_encoded(None if rest else _RECORDS)}
        await asyncio.get_running_loop().run_in_executor(self._executor, self._write, self._states, covered)
        self._saved_changes = max(changes, self._saved_changes)
        if rest:
            self._rest_saved = began

    def _write(self, states: Mapping[str, str], covered: int) -> None:
        snapshot.write(self._path, states, covered)
        self._undo.forget(covered)

    def _save_within(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._due is not None:
            if self._due.when() <= loop.time() + seconds:
                return
            self._due.cancel()
        self._due = loop.call_later(seconds, self._wanted.set)


def _answer(waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
    for each in waiting:
        if each.done():  # its client has disconnected
            continue
        if error is None:
            each.set_result(None)
        else:
            each.set_exception(error)


def _encoded(names: frozenset[str] | None) -> dict[str, str]:
    """Encode the states of some services, or of all, as of one moment.

    Requests are answered in this thread, so they can't interfere. Other threads receive and delete messages
    and write logs; if one interrupts an iteration, encoding starts over.
    """
    for _ in range(_TRIES):
        with suppress(RuntimeError), ministack.without_copies():  # "dictionary changed size during iteration"
            return dict(_states(names))
    raise OSError(f"the state changed during each of {_TRIES} tries")


def _states(names: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    for name, get_state in ministack.states().items():
        if names is not None and name not in names:
            continue
        try:
            if name == "cloudwatch_logs":
                logs.shorten()
            state = get_state()
            if state is not None:
                yield name, ministack.encoded(name, state)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise ValueError(f"the state of {name} can't be encoded: {error!r}") from error
