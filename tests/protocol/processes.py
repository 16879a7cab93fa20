"""Processes on one shared store that stop at every request, so that a test decides who goes on, and how."""

import threading
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import TypeVar

from glimpse.index.errors import PreconditionFailed, StoreUnavailable, WriteConflict
from glimpse.index.store import Listed, NotModified, StoredObject

from tests.unit.index.memory_store import MemoryStore

T = TypeVar("T")


class Killed(BaseException):
    """The process dies here: nothing in the code under test may catch it."""


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

    `error` is what ended it, `result` what it returned. While it stands still, `is_over` is False.
    """

    def __init__(
        self, shared: MemoryStore, late: list[Callable[[], None]], pause: Callable[[], None]
    ) -> None:
        self.store = SteppedStore(self, shared, late, pause)
        self.result: object = None
        self.error: BaseException | None = None
        self.is_over = False
        self._fate = Fate.DONE
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)

    def start(self, work: Callable[[], object]) -> None:
        """Run up to the first request."""

        def run() -> None:
            try:
                self.result = work()
            except BaseException as error:
                self.error = error
            self.is_over = True
            self._stopped.release()

        threading.Thread(target=run, daemon=True).start()
        self._stopped.acquire()

    def step(self, fate: Fate) -> None:
        """Let the pending request have its fate, and run up to the next one."""
        self._fate = fate
        self._go.release()
        self._stopped.acquire()

    def ask(self) -> Fate:
        """Stand still until the test says what becomes of this request."""
        self._stopped.release()
        self._go.acquire()
        return self._fate


class SteppedStore:
    """A process's view of the shared store."""

    def __init__(
        self,
        process: Process,
        shared: MemoryStore,
        late: list[Callable[[], None]],
        pause: Callable[[], None],
    ) -> None:
        self._process = process
        self._shared = shared
        self._late = late
        self._pause = pause
        self.written: list[str] = []

    def get(self, key: str) -> StoredObject | None:
        return self._read(lambda: self._shared.get(key))

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        return self._read(lambda: self._shared.get_if_none_match(key, etag))

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        return self._read(lambda: self._shared.get_range(key, start, length))

    def children(self, prefix: str, limit: int) -> set[str] | None:
        return self._read(lambda: self._shared.children(prefix, limit))

    def list(self, prefix: str) -> Iterator[Listed]:
        return self._read(lambda: iter(tuple(self._shared.list(prefix))))

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        self._write(lambda: self._shared.put_if_match(key, data, etag), is_swap=True)

    def put_if_none_match(self, key: str, data: bytes) -> None:
        is_swap = key.endswith("/manifest.json")
        if not is_swap:
            self.written.append(key)
        self._write(lambda: self._shared.put_if_none_match(key, data), is_swap=is_swap)

    def delete(self, keys: Sequence[str]) -> None:
        fate = self._fate()
        if fate is Fate.LATE:
            self._late.append(lambda: self._shared.delete(keys))
        if fate in (Fate.LATE, Fate.FAILED_500):
            raise StoreUnavailable("500")
        self._shared.delete(keys)
        if fate is Fate.LOST:
            raise StoreUnavailable("no answer")
        if fate is Fate.KILLED_AFTER:
            raise Killed

    def _read(self, request: Callable[[], T]) -> T:
        fate = self._fate()
        if fate in (Fate.FAILED_500, Fate.LOST, Fate.LATE):
            raise StoreUnavailable("500")
        return request()

    def _write(self, request: Callable[[], None], *, is_swap: bool) -> None:
        fate = self._fate()
        if fate is Fate.REFUSED_409:
            raise WriteConflict("409")
        if fate is Fate.REFUSED_412 and is_swap:
            raise PreconditionFailed("412")
        if fate is Fate.FAILED_500:
            raise StoreUnavailable("500")
        if fate is Fate.LATE:
            self._late.append(request)
            raise StoreUnavailable("no answer")
        request()
        if fate is Fate.ECHO_412:
            raise PreconditionFailed("412")
        if fate is Fate.LOST:
            raise StoreUnavailable("no answer")
        if fate is Fate.KILLED_AFTER:
            raise Killed

    def _fate(self) -> Fate:
        fate = self._process.ask()
        if fate is Fate.KILLED_BEFORE:
            raise Killed
        if fate is Fate.SLOW:
            self._pause()
        return fate
