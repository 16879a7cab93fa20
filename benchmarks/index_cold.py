"""The cost of a fresh process's first query: bytes, requests, and rounds of requests that wait on others."""

import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from glimpse.index import IndexKey, IndexReader
from glimpse.index.store import NOT_MODIFIED, NotModified, StoredObject

Vectors = npt.NDArray[np.float32]

_DELAY_SECONDS = 0.4
"""Each request takes so long, so that what is asked for together is under way together."""

_THREADS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it began and ended, and how many bytes it brought."""

    began: float
    ended: float
    length: int


class ColdStore:
    """A bucket in memory whose answers take a while, and are counted.

    Parameters
    ----------
    objects : dict of str to bytes
        What it holds.
    """

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.asked: list[Asked] = []
        self.delay = 0.0
        self._lock = threading.Lock()

    def get(self, key: str) -> StoredObject | None:
        """Return an object, or None."""
        data = self._answer(key, 0, None)
        return None if data is None else StoredObject(data, f'"{zlib.crc32(data)}"')

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        """Return an object unless it has the tag."""
        stored = self.get(key)
        return NOT_MODIFIED if stored and stored.etag == etag else stored

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        """Return a part of an object, or None."""
        return self._answer(key, start, start + length)

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:  # noqa: ARG002 - one writer
        """Replace an object."""
        self.objects[key] = data

    def put_if_none_match(self, key: str, data: bytes) -> None:
        """Write an object."""
        self.objects[key] = data

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects."""
        for key in keys:
            self.objects.pop(key, None)

    def children(self, prefix: str, limit: int) -> set[str] | None:  # noqa: ARG002
        """List nothing: one folder is searched."""
        return None

    def list(self, prefix: str) -> Iterator[object]:  # noqa: ARG002
        """List nothing."""
        return iter(())

    def _answer(self, key: str, start: int, end: int | None) -> bytes | None:
        began = time.perf_counter()
        time.sleep(self.delay)
        whole = self.objects.get(key)
        data = None if whole is None else whole[start:end]
        with self._lock:
            self.asked.append(Asked(began, time.perf_counter(), len(data or b"")))
        return data


@dataclass(frozen=True, slots=True)
class Cold:
    """What first queries cost: the worst of each, and their recall."""

    bytes: int
    requests: int
    rounds: int
    recall: float


def measure(
    store: ColdStore, key: IndexKey, texts: Vectors, truth: npt.NDArray[np.int64], folder: Path
) -> Cold:
    """Search each text with a reader that has nothing yet."""
    store.delay = _DELAY_SECONDS
    costs, found = [], 0
    for number, text in enumerate(texts):
        store.asked.clear()
        reader = IndexReader(store, disk_dir=folder / str(number), threads=_THREADS)  # type: ignore[arg-type]
        answer = reader.search([key], text, truth.shape[1])
        if answer.problems:
            raise RuntimeError(f"the index is not sound: {answer.problems[0]}")
        found += len({hit.image_id for hit in answer.hits} & set(truth[number].tolist()))
        costs.append((sum(asked.length for asked in store.asked), len(store.asked), _rounds(store.asked)))
    store.delay = 0.0
    worst = [max(column) for column in zip(*costs, strict=True)]
    return Cold(worst[0], worst[1], worst[2], found / truth.size)


def _rounds(asked: Sequence[Asked]) -> int:
    """Return the length of the longest chain of requests of which each began after the last one ended."""
    rounds, ended = 0, -np.inf
    for request in sorted(asked, key=lambda request: request.ended):
        if request.began >= ended:
            rounds, ended = rounds + 1, request.ended
    return rounds
