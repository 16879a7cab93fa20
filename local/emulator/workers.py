"""Lambda workers on one machine: a few per function, and a dead one does not hold messages back.

MiniStack starts a process for each invocation that finds no free one, as AWS does, and a laptop soon runs out
of memory. Here an invocation waits for one of a few workers. This can't deadlock: *api* invokes *search*,
which invokes *embed*; nothing invokes *api*, and each function has its own workers. Queue consumers and
synchronous callers leave each other at least one worker.

A worker that dies (killed, out of memory or timed out) would leave its messages invisible for 12 minutes,
their visibility timeout. Here its death is noticed, and they become visible at once. A delivery does not
count if the worker died before it could take it up.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from enum import Enum
from typing import Any

from local.emulator import ministack
from local.settings import RETRY_SECONDS

PATIENCE_SECONDS = 20.0


class Fate(Enum):
    """How a worker died: before or after it could take up its invocation."""

    UNBORN = "unborn"
    DEAD = "dead"


class _Invocation(threading.local):
    """The state of this thread's invocation."""

    is_batch = False
    fate: Fate | None = None


_invocation = _Invocation()


class Slots:
    """The workers of one function: slots for simultaneous invocations.

    Parameters
    ----------
    most
        How many slots there are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._taken = {True: 0, False: 0}  # by whether it is a batch of messages
        self._waiting = {True: 0, False: 0}

    def take(self, *, is_batch: bool, seconds: float | None = None) -> bool:
        """Wait for a slot; False if none became free in time."""
        with self._changed:
            self._waiting[is_batch] += 1
            try:
                taken = self._changed.wait_for(lambda: self._is_free(is_batch=is_batch), seconds)
            finally:
                self._waiting[is_batch] -= 1
            self._taken[is_batch] += taken
            self._changed.notify_all()
            return taken

    def give_back(self, *, is_batch: bool) -> None:
        """Return a slot that :meth:`take` took."""
        with self._changed:
            self._taken[is_batch] -= 1
            self._changed.notify_all()

    def _is_free(self, *, is_batch: bool) -> bool:
        if sum(self._taken.values()) >= self._most:
            return False
        if is_batch:  # batches take long, so one slot is always left for other invocations
            return self._taken[True] < max(1, self._most - 1)
        others_wait = self._waiting[True] and not self._taken[True]
        return not others_wait or self._most == 1 or self._taken[False] < self._most - 1


class WatchedWorker(ministack.MiniStackWorker):
    """A MiniStack worker that reports its death, instead of ending all other workers of its function."""

    def invoke(self, *arguments: Any, **named: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on
        """Run one invocation."""
        try:
            result: dict[str, Any] = super().invoke(*arguments, **named)
        except (RuntimeError, OSError) as error:  # it ended, or refused, before it was ready
            code = _exit_code(self.process)
            if code is not None and code < 0:
                _invocation.fate = Fate.UNBORN if code == -signal.SIGKILL else Fate.DEAD
            return {"status": "error", "error": f"The worker did not start: {error}", "log": ""}
        if result.get("status") == "error" and self._died(str(result.get("error", ""))):
            _invocation.fate = Fate.DEAD
        return result

    def _died(self, error: str) -> bool:
        code = _exit_code(self.spawned)
        # MiniStack ends a worker whose handler raised, with SIGTERM; as in AWS, its messages stay invisible.
        return error.startswith(ministack.DEATHS) or (
            code is not None and code < 0 and code != -signal.SIGTERM
        )


def _exit_code(process: subprocess.Popen[str] | None) -> int | None:
    return None if process is None else process.poll()


class Workers:
    """Limits MiniStack's workers, and tells queues when one dies.

    Parameters
    ----------
    most
        The most workers per function.
    patience_seconds
        How long an invocation waits for a worker while a caller waits for its answer.
    """

    def __init__(self, most: int, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._slots: dict[str, Slots] = {}
        self._patience_seconds = patience_seconds
        self._most = most
        self._own = ministack.Invocation.current()

    def install(self) -> None:
        """Replace MiniStack's own functions."""
        ministack.Invocation(
            self._execute_with_slot, self._run_batch_and_look, self._batches_with_slots, WatchedWorker
        ).install()

    def _execute_with_slot(self, function: dict[str, Any], event: Any, request_id: str) -> Any:  # noqa: ANN401
        """Run one invocation, in a thread of its own, once there is a worker for it."""
        name = (function.get("config") or function).get("FunctionName", "")
        is_batch = _invocation.is_batch
        slots = self._slots.setdefault(name, Slots(self._most))
        if not slots.take(is_batch=is_batch, seconds=None if is_batch else self._patience_seconds):
            return _busy(event, f"All {self._most} workers of {name} have been busy for too long.")
        try:
            return self._own.execute(function, event, request_id)
        finally:
            slots.give_back(is_batch=is_batch)

    def _batches_with_slots(self, *arguments: Any) -> int:  # noqa: ANN401 - passed on
        """Return how many batches of a queue may be in flight: only as many as can soon get a worker."""
        return min(int(self._own.batches_at_once(*arguments)), max(1, self._most - 1))

    def _run_batch_and_look(
        self,
        source: dict[str, Any],
        function: dict[str, Any],
        event: dict[str, Any],
        batch: list[dict[str, Any]],
        url: str,
        name: str,
    ) -> None:
        handles = {message["receipt_handle"] for message in batch}
        _invocation.is_batch, _invocation.fate = True, None  # the thread is this batch's alone
        self._own.run_batch(source, function, event, batch, url, name)
        if _invocation.fate is not None:
            show_again(url, handles, counts=_invocation.fate is Fate.DEAD)


def _busy(event: Any, why: str) -> dict[str, Any]:  # noqa: ANN401 - whatever the function was sent
    """Answer for a function without a free worker: an HTTP 503 to an HTTP request, else Lambda's error."""
    if not isinstance(event, dict) or "requestContext" not in event:
        return ministack.too_many_requests(why)
    headers = {"content-type": "application/json", "retry-after": str(RETRY_SECONDS)}
    detail = json.dumps({"detail": f"{why} Try again in a moment."})
    return {"body": {"statusCode": 503, "headers": headers, "body": detail}, "log": ""}


def show_again(url: str, handles: set[str], *, counts: bool) -> None:
    """Make received messages visible again.

    Parameters
    ----------
    url
        Their queue's URL.
    handles
        Their receipt handles.
    counts
        Whether this delivery counts towards the limit after which a message goes to the dead-letter queue.
    """
    with ministack.messages_of(url) as messages:
        for message in messages:
            if message.get("receipt_handle") in handles:
                message["visible_at"] = time.time()
                if not counts:
                    message["receive_count"] -= 1
