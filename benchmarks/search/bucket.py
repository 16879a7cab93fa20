"""A bucket in memory that counts what is read and written, for the benchmarks of the index."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from glimpse.index.errors import PreconditionFailed
from glimpse.index.store.object_store import NOT_MODIFIED, Data, Listed, NotModified, StoredObject

_LOOK_SECONDS = 0.02
_QUIET_LOOKS = 5
_QUIET_CPU_SECONDS = 0.002


@dataclass(slots=True)
class Reads:
    """What was read: bytes, requests, and rounds of requests that wait on others."""

    bytes: int = 0
    requests: int = 0
    rounds: int = 0


@dataclass(slots=True)
class _Held:
    """A request that waits for its round to end."""

    answer: Future[None] = field(default_factory=Future)


class MemoryBucket:
    """An :class:`~glimpse.index.store.object_store.ObjectStore` in memory.

    Parameters
    ----------
    answer_s : float
        How long a request takes, in seconds.

    Attributes
    ----------
    objects : dict of str to bytes
        What it holds.
    put_bytes, puts : Counter
        Bytes and objects written, by subdirectory of an index's prefix; ``manifest.json`` counts apart.
    """

    def __init__(self, answer_s: float = 0.0) -> None:
        self._answer_s = answer_s
        self.objects: dict[str, bytes] = {}
        self.put_bytes: Counter[str] = Counter()
        self.puts: Counter[str] = Counter()
        self.live: list[int] = []
        self._lock = threading.Lock()
        self._reads: Reads | None = None
        self._held: list[_Held] = []

    def get(self, key: str) -> StoredObject | None:
        """Return an object, or None."""
        self._wait_for_round()
        with self._lock:
            data = self.objects.get(key)
            self._count(len(data or b""))
        return None if data is None else StoredObject(data, _etag(data))

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        """Return an object unless it still has the tag `etag`."""
        stored = self.get(key)
        return NOT_MODIFIED if stored and stored.etag == etag else stored

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        """Return up to `length` bytes of an object from `start` on, or None."""
        self._wait_for_round()
        with self._lock:
            whole = self.objects.get(key)
            data = None if whole is None else whole[start : start + length]
            self._count(len(data or b""))
        return data

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        """Replace the object that has the tag `etag`."""
        time.sleep(self._answer_s)
        with self._lock:
            stored = self.objects.get(key)
            if stored is None or _etag(stored) != etag:
                raise PreconditionFailed(key)
            self._put(key, data)

    def put_if_none_match(self, key: str, data: Data) -> None:
        """Write an object where there is none."""
        time.sleep(self._answer_s)
        with self._lock:
            if key in self.objects:
                raise PreconditionFailed(key)
            self._put(key, bytes(data))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects."""
        with self._lock:
            for key in keys:
                self.objects.pop(key, None)

    def children(self, prefix: str, limit: int) -> set[str] | None:
        """Return the names between `prefix` and the next slash, or None if they exceed `limit`."""
        names = {item.key.removeprefix(prefix).split("/")[0] for item in self.list(prefix)}
        return names if len(names) <= limit else None

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every object whose key begins with `prefix`."""
        with self._lock:
            found = [Listed(key, len(data), 0.0) for key, data in self.objects.items()]
        return (item for item in found if item.key.startswith(prefix))

    @contextmanager
    def counting(self) -> Iterator[Reads]:
        """Count what is read in here, and hold every request until all that can be asked have been.

        A round ends when nobody asks for anything further, however slow the machine is: requests are counted
        by what they wait for, not by how long they take.
        """
        reads = self._reads = Reads()
        done = threading.Event()
        conductor = threading.Thread(target=self._conduct, args=(reads, done))
        conductor.start()
        try:
            yield reads
        finally:
            done.set()
            conductor.join()
            self._reads = None

    def _conduct(self, reads: Reads, done: threading.Event) -> None:
        """Answer the requests that are held, once the process does nothing but wait for them."""
        while not done.is_set():
            quiet, held = 0, 0
            while quiet < _QUIET_LOOKS and not done.is_set():
                used = time.process_time()
                time.sleep(_LOOK_SECONDS)
                before, held = held, len(self._held)
                idle = time.process_time() - used < _QUIET_CPU_SECONDS
                quiet = quiet + 1 if idle and held and held == before else 0
            if quiet == _QUIET_LOOKS:
                with self._lock:
                    released, self._held = self._held, []
                reads.rounds += 1
                for request in released:
                    request.answer.set_result(None)

    def _wait_for_round(self) -> None:
        time.sleep(self._answer_s)
        if self._reads is None:
            return
        held = _Held()
        with self._lock:
            self._held.append(held)
        held.answer.result()

    def _count(self, length: int) -> None:
        if self._reads is not None:
            self._reads.bytes += length
            self._reads.requests += 1

    def _put(self, key: str, data: bytes) -> None:
        *_, folder, name = key.split("/")
        kind = name if name == "manifest.json" else folder
        self.puts[kind] += 1
        self.put_bytes[kind] += len(data)
        self.objects[key] = data
        if name == "manifest.json":
            # Counting a name is cheaper than parsing each of ten thousand manifests.
            self.live.append(data.count(b'"key":"segments/'))


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
