"""Processes on one shared store that stop at every request, so that a test decides who goes on, and how."""

import threading
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import TypeVar

from glimpse.index.errors import PreconditionFailed, StoreUnavailable, WriteConflict

from tests.unit.index.memory_store import MemoryStore, View

T = TypeVar("T")


class Killed(BaseException):
    """The process dies here: nothing in the code under test may catch it."""


class Request(Enum):
    """What a process stands at."""

    READ = auto()
    WRITE = auto()
    """Of an object that nobody else writes."""
    SWAP = auto()
    """Of the manifest."""
    DELETE = auto()


class Fate(Enum):
    """What becomes of one request."""

    DONE = auto()
    REFUSED_409 = auto()
    """A write does not happen: another one to the key was under way."""
    REFUSED_412 = auto()
    """A swap does not happen."""
    ECHO_412 = auto()
    """A write happens, its answer is lost, and the client library's own second try is refused."""
    FAILED_500 = auto()
    LOST = auto()
    """The request is carried out, its answer is lost."""
    LATE = auto()
    """The answer is lost, and the request is carried out only later."""
    SLOW = auto()
    """The request takes as long as some searches."""
    KILLED_BEFORE = auto()
    KILLED_AFTER = auto()


class Process:
    """Runs `work` in a thread, one request of its store at a time.

    `pending` is the request that it stands at, `error` what ended it. While it stands still, `is_over` is
    False.

    Parameters
    ----------
    shared
        What all processes see.
    postpone
        Takes a request that will be carried out later.
    pause
        Lets the time of a slow request pass.
    """

    def __init__(
        self,
        shared: MemoryStore,
        postpone: Callable[[Callable[[], None]], None],
        pause: Callable[[], None],
    ) -> None:
        self.store = SteppedStore(self, shared, postpone, pause)
        self.error: BaseException | None = None
        self.is_over = False
        self.pending = Request.READ
        self._fate = Fate.DONE
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)

    def start(self, work: Callable[[], object]) -> None:
        """Run up to the first request."""

        def run() -> None:
            try:
                work()
            except BaseException as error:
                self.error = error
            self.is_over = True
            self._stopped.release()

        self.is_over, self.error = False, None
        threading.Thread(target=run, daemon=True).start()
        self._stopped.acquire()

    def step(self, fate: Fate) -> None:
        """Let the pending request have its fate, and run up to the next one."""
        self._fate = fate
        self._go.release()
        self._stopped.acquire()

    def ask(self, request: Request) -> Fate:
        """Stand still until the test says what becomes of this request."""
        self.pending = request
        self._stopped.release()
        self._go.acquire()
        return self._fate


class SteppedStore(View):
    """A process's view of the shared store, which stops at every request."""

    def __init__(
        self,
        process: Process,
        shared: MemoryStore,
        postpone: Callable[[Callable[[], None]], None],
        pause: Callable[[], None],
    ) -> None:
        super().__init__(shared)
        self._process = process
        self._postpone = postpone
        self._pause = pause

    def delete(self, keys: Sequence[str]) -> None:
        fate = self._fate(Request.DELETE)
        if fate is Fate.LATE:
            self._postpone(lambda: self._shared.delete(keys))
        if fate in (Fate.LATE, Fate.FAILED_500):
            raise StoreUnavailable("500")
        self._shared.delete(keys)
        if fate is Fate.LOST:
            raise StoreUnavailable("no answer")
        if fate is Fate.KILLED_AFTER:
            raise Killed

    def _read(self, request: Callable[[], T]) -> T:
        fate = self._fate(Request.READ)
        if fate in (Fate.FAILED_500, Fate.LOST, Fate.LATE):
            raise StoreUnavailable("500")
        return request()

    def _write(self, request: Callable[[], None], *, is_swap: bool) -> None:
        fate = self._fate(Request.SWAP if is_swap else Request.WRITE)
        if fate is Fate.REFUSED_409:
            raise WriteConflict("409")
        if fate is Fate.REFUSED_412 and is_swap:
            raise PreconditionFailed("412")
        if fate is Fate.FAILED_500:
            raise StoreUnavailable("500")
        if fate is Fate.LATE:
            self._postpone(request)
            raise StoreUnavailable("no answer")
        request()
        if fate is Fate.ECHO_412:
            raise PreconditionFailed("412")
        if fate is Fate.LOST:
            raise StoreUnavailable("no answer")
        if fate is Fate.KILLED_AFTER:
            raise Killed

    def _fate(self, request: Request) -> Fate:
        fate = self._process.ask(request)
        if fate is Fate.KILLED_BEFORE:
            raise Killed
        if fate is Fate.SLOW:
            self._pause()
        return fate
