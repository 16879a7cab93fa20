"""Lambda's workers on one machine: a few of each function, and none whose end keeps messages away.

MiniStack starts a process for each invocation that finds none free, as AWS does, and a laptop soon has no
memory left. Here an invocation waits for one of a few. None waits for itself: *api* invokes *search*, which
invokes *embed*; nothing invokes *api*, and each function has workers of its own. Consumers of queues and
those who wait for an answer leave one worker to each other.

A worker that dies (it was killed, ran out of memory or took too long) would leave its messages invisible for
12 minutes, their visibility timeout. Here it is seen dead, so they are visible at once; a delivery that no
worker lived to take up does not count.
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
    """How a worker ended that should not have: before or after it could take up its invocation."""

    UNBORN = "unborn"
    DEAD = "dead"


class _Invocation(threading.local):
    """What is known of the invocation of this thread."""

    is_batch = False
    fate: Fate | None = None


_invocation = _Invocation()


class Slots:
    """The workers of one function, as so many invocations at once.

    Parameters
    ----------
    most
        How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._taken = {True: 0, False: 0}  # by whether it is a batch of messages
        self._waiting = {True: 0, False: 0}

    def take(self, *, is_batch: bool, seconds: float | None = None) -> bool:
        """Wait for a slot; False if there was none in time."""
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
        """End what :meth:`take` began."""
        with self._changed:
            self._taken[is_batch] -= 1
            self._changed.notify_all()

    def _is_free(self, *, is_batch: bool) -> bool:
        if sum(self._taken.values()) >= self._most:
            return False
        if is_batch:  # they take long: one is kept free, also while nobody needs it
            return self._taken[True] < max(1, self._most - 1)
        others_wait = self._waiting[True] and not self._taken[True]
        return not others_wait or self._most == 1 or self._taken[False] < self._most - 1


class WatchedWorker(ministack.MiniStackWorker):
    """A worker of MiniStack's that says when it died, instead of having all others of its function ended."""

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
        # One that raised was ended by MiniStack, with SIGTERM; as in AWS, its messages stay away for a while.
        return error.startswith(ministack.DEATHS) or (
            code is not None and code < 0 and code != -signal.SIGTERM
        )


def _exit_code(process: subprocess.Popen[str] | None) -> int | None:
    return None if process is None else process.poll()


class Workers:
    """Has MiniStack use few workers, and tell queues when one died.

    Parameters
    ----------
    most
        Workers of a function.
    patience_seconds
        How long an invocation waits for one while somebody waits for its answer.
    """

    def __init__(self, most: int, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._slots: dict[str, Slots] = {}
        self._patience_seconds = patience_seconds
        self._most = most
        self._own = ministack.Invocation.current()

    def install(self) -> None:
        """Take the place of MiniStack's own ways."""
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
        """Give how many batches of a queue may be under way: no more are received than have a worker soon."""
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
    """Answer in place of a function without a free worker: by HTTP where it was asked so, or as Lambda."""
    if not isinstance(event, dict) or "requestContext" not in event:
        return ministack.too_many_requests(why)
    headers = {"content-type": "application/json", "retry-after": str(RETRY_SECONDS)}
    detail = json.dumps({"detail": f"{why} Try again in a moment."})
    return {"body": {"statusCode": 503, "headers": headers, "body": detail}, "log": ""}


def show_again(url: str, handles: set[str], *, counts: bool) -> None:
    """Make received messages visible.

    Parameters
    ----------
    url
        Their queue's.
    handles
        Of the receipts.
    counts
        Whether the delivery counts among those after which a message goes to the dead-letter queue.
    """
    with ministack.messages_of(url) as messages:
        for message in messages:
            if message.get("receipt_handle") in handles:
                message["visible_at"] = time.time()
                if not counts:
                    message["receive_count"] -= 1
