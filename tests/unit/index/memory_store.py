"""An object store in memory, and one that fails in the ways that S3 can."""

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any, TypeVar

from glimpse.index import IndexKey
from glimpse.index.errors import PreconditionFailed, StoreUnavailable, WriteConflict
from glimpse.index.store.object_store import NOT_MODIFIED, Data, Listed, NotModified, StoredObject

T = TypeVar("T")


class MemoryStore:
    """An ObjectStore that remembers every manifest it ever held, and counts requests."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.manifests: list[bytes] = []
        self.requests: list[tuple[str, str]] = []
        self.now = 1.8e9
        self.modified: dict[str, float] = {}

    def get(self, key: str) -> StoredObject | None:
        self.requests.append(("get", key))
        data = self.objects.get(key)
        return None if data is None else StoredObject(data, _etag(data))

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        stored = self.get(key)
        self.requests[-1] = ("revalidate", key)
        return NOT_MODIFIED if stored and stored.etag == etag else stored

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        self.requests.append(("range", key))
        data = self.objects.get(key)
        return None if data is None else data[start : start + length]

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        self.requests.append(("put", key))
        if key not in self.objects or _etag(self.objects[key]) != etag:
            raise PreconditionFailed(key)
        self._put(key, data)

    def put_if_none_match(self, key: str, data: Data) -> None:
        self.requests.append(("put", key))
        if key in self.objects:
            raise PreconditionFailed(key)
        self._put(key, bytes(data))  # a mapped file goes when it is written

    def delete(self, keys: Sequence[str]) -> None:
        self.requests.append(("delete", keys[0]))
        for key in keys:
            self.objects.pop(key, None)

    def children(self, prefix: str, limit: int) -> set[str] | None:
        self.requests.append(("list", prefix))
        names = {key[len(prefix) :].split("/")[0] for key in self.objects if key.startswith(prefix)}
        return names if len(names) <= limit else None

    def list(self, prefix: str) -> Iterator[Listed]:
        self.requests.append(("list", prefix))
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield Listed(key, len(self.objects[key]), self.modified.get(key, 0.0))

    def _put(self, key: str, data: bytes) -> None:
        self.objects[key] = data
        self.modified[key] = self.now
        if key.endswith("/manifest.json"):
            self.manifests.append(data)


def _etag(data: bytes) -> str:
    # As S3's: the same bytes have the same tag, whenever they were written.
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


class Crash(Exception):
    """The process dies here."""


class Fault(Enum):
    """What may happen to one request."""

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
    """The answer is lost, and the request is carried out only some requests later."""
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    OTHER_WRITER = auto()
    """Before the request, somebody else does something."""


class View(ABC):
    """One process's view of a shared store. Subclasses decide what becomes of each request.

    `written` names the objects that the process tried to write.
    """

    def __init__(self, shared: MemoryStore) -> None:
        self._shared = shared
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

    def put_if_none_match(self, key: str, data: Data) -> None:
        is_swap = key.endswith("/manifest.json")
        if not is_swap:
            self.written.append(key)
        self._write(lambda: self._shared.put_if_none_match(key, data), is_swap=is_swap)

    @abstractmethod
    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, if that comes about."""

    @abstractmethod
    def _read(self, request: Callable[[], T]) -> T:
        """Carry a read out, or not."""

    @abstractmethod
    def _write(self, request: Callable[[], None], *, is_swap: bool) -> None:
        """Carry a write out, or not."""


class FaultyStore(View):
    """One process's view of a shared store, with a fault for each of its next requests.

    `written` names the objects that the process tried to write since the faults were set, `swapped_at` is
    when it last tried to write the manifest. Requests that are carried out later wait in `late`.
    """

    def __init__(
        self,
        shared: MemoryStore,
        late: list[Callable[[], None]],
        other_writer: Callable[[], object],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(shared)
        self._clock = clock
        self._late = late
        self._other_writer = other_writer
        self._faults: Mapping[int, Fault] = {}
        self._requests = 0
        self.swapped_at = -math.inf

    def fail(self, faults: Mapping[int, Fault]) -> None:
        """Set what happens to which of the next requests."""
        self._faults = faults
        self._requests = 0
        self.written = []

    def delete(self, keys: Sequence[str]) -> None:
        fault = self._next_fault()
        if fault in (Fault.FAILED_500, Fault.LATE):
            raise StoreUnavailable("500")
        self._shared.delete(keys)
        if fault is Fault.LOST:
            raise StoreUnavailable("no answer")

    def _read(self, request: Callable[[], T]) -> T:
        fault = self._next_fault()
        if fault in (Fault.FAILED_500, Fault.LOST, Fault.LATE):
            raise StoreUnavailable("500")
        return request()

    def _write(self, request: Callable[[], None], *, is_swap: bool) -> None:
        if is_swap:
            self.swapped_at = self._clock()
        fault = self._next_fault()
        if fault is Fault.REFUSED_409:
            raise WriteConflict("409")
        if fault is Fault.REFUSED_412 and is_swap:
            raise PreconditionFailed("412")
        if fault is Fault.FAILED_500:
            raise StoreUnavailable("500")
        if fault is Fault.LATE:
            self._late.append(request)
            raise StoreUnavailable("no answer")
        request()
        if fault is Fault.ECHO_412:
            raise PreconditionFailed("412")
        if fault is Fault.LOST:
            raise StoreUnavailable("no answer")
        if fault is Fault.CRASH_AFTER:
            raise Crash

    def _next_fault(self) -> Fault | None:
        fault = self._faults.get(self._requests)
        self._requests += 1
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if fault is Fault.OTHER_WRITER:
            self._other_writer()
        return fault


def land(late: list[Callable[[], None]]) -> None:
    """Carry out a request that was under way, if its condition still holds."""
    if late:
        try:
            late.pop(0)()
        except PreconditionFailed:
            return


def manifest_of(store: MemoryStore, key: IndexKey) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(store.objects[key.manifest])
    return document


def edit_manifest(store: MemoryStore, key: IndexKey, **fields: object) -> None:
    store.objects[key.manifest] = json.dumps(manifest_of(store, key) | fields).encode()
