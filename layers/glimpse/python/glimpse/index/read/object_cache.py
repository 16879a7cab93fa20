"""Loads immutable objects from memory, disk or the bucket, verified and decoded."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from glimpse.index.errors import FormatError, ObjectDamaged, ObjectUnsupported
from glimpse.index.format import segment_kinds, tombstones
from glimpse.index.format.manifest import ObjectEntry
from glimpse.index.format.segment_kinds import INVERTED
from glimpse.index.layout import IndexKey
from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.segments import ivf, verified_read
from glimpse.index.segments.flat import FlatSegment
from glimpse.index.store.byte_ranges import ByteRange, plan_requests
from glimpse.index.store.cache import DiskCache, MemoryCache
from glimpse.index.store.object_store import ObjectStore
from glimpse.index.store.vector_files import VectorFiles
from glimpse.index.vectors import Ids

_AHEAD_BYTES = 160 * 2**20
_AHEAD_COUNT = 1_024
"""Enough to load five hundred folders of two hundred images in one round of requests."""
_WEIGHT_OF_NOTHING = 500

Loaded = FlatSegment | InvertedSegment | Ids
Parts = list[memoryview]


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object to load: its index, its manifest entry, and whether it is a tombstone (`masks`)."""

    index: IndexKey
    entry: ObjectEntry
    masks: bool


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """Sizes of a reader's caches.

    Attributes
    ----------
    memory_bytes : int
        Decoded objects in memory.
    mapped_bytes : int
        Vectors of inverted segments in memory-mapped files.
    """

    memory_bytes: int
    mapped_bytes: int


class ObjectCache:
    """Loads and caches the segments and tombstones in one bucket.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    pool : Executor
        Runs the loads.
    memory : MemoryCache
        Holds decoded objects.
    disk : DiskCache
        Holds the bytes of flat segments and tombstones, and the heads of inverted segments.
    vector_files : VectorFiles
        Hold vectors of inverted segments.
    """

    def __init__(
        self,
        store: ObjectStore,
        pool: Executor,
        memory: MemoryCache[tuple[str, str], Loaded],
        disk: DiskCache,
        vector_files: VectorFiles,
    ) -> None:
        self._store = store
        self._pool = pool
        self._memory = memory
        self._disk = disk
        self._vector_files = vector_files

    def load_all(self, wanted: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Loaded | FormatError]]:
        """Yield each object, or why it is unusable, in the order of `wanted`.

        Objects are prefetched in the pool, within bounds, so that memory use stays close to the budget.

        Raises
        ------
        StoreError
            If the store refuses a request or does not answer.
        """
        ahead: deque[tuple[ObjectRef, Loaded | FormatError | Future[Loaded | FormatError]]] = deque()
        ahead_bytes = 0
        for item in wanted:
            held = self._memory.get(_cache_key(item))
            ahead.append((item, self._pool.submit(self._load, item) if held is None else held))
            ahead_bytes += _size_to_load(item.entry)
            while len(ahead) > _AHEAD_COUNT or (ahead_bytes > _AHEAD_BYTES and len(ahead) > 1):
                ahead_bytes -= _size_to_load(ahead[0][0].entry)
                yield _loaded(*ahead.popleft())
        while ahead:
            yield _loaded(*ahead.popleft())

    def count_missing(self, wanted: Iterable[ObjectRef]) -> int:
        """Return how many of the objects are neither in memory nor on disk."""
        return sum(
            self._memory.get(_cache_key(item)) is None and not self._disk.has(_digest_to_load(item.entry))
            for item in wanted
        )

    def read_parts(
        self, wanted: Sequence[tuple[ObjectRef, Sequence[ByteRange]]], requests: int
    ) -> list[Parts | FormatError]:
        """Read byte ranges of objects in parallel; for each object, return them, or why it can't be read.

        Parameters
        ----------
        wanted : sequence of (ObjectRef, sequence of ByteRange)
            The objects and the ranges to read.
        requests : int
            The number of requests to aim for, per object.

        Raises
        ------
        StoreError
            If the store refuses a request or does not answer.
        """
        plans = [plan_requests(spans, requests) for _, spans in wanted]
        reading = [
            [self._pool.submit(self._range, item, read.span) for read in reads]
            for (item, _), reads in zip(wanted, plans, strict=True)
        ]
        answer: list[Parts | FormatError] = []
        for (_, spans), reads, futures in zip(wanted, plans, reading, strict=True):
            parts = [memoryview(b"")] * len(spans)
            try:
                for read, future in zip(reads, futures, strict=True):
                    for number, part in read.cut(spans, future.result()):
                        parts[number] = part
            except FormatError as problem:
                answer.append(problem)
            else:
                answer.append(parts)
        return answer

    def usage(self) -> CacheUsage:
        """Return the current sizes of the caches."""
        return CacheUsage(self._memory.weight, self._vector_files.disk_bytes)

    def reweigh(self, wanted: ObjectRef, loaded: InvertedSegment) -> None:
        """Update the cached weight of a segment that has grown in memory."""
        self._memory.put(_cache_key(wanted), loaded, _WEIGHT_OF_NOTHING + loaded.nbytes)

    def _load(self, wanted: ObjectRef) -> Loaded | FormatError:
        if not _can_read(wanted):
            return ObjectUnsupported(verified_read.later_version(wanted.entry))
        try:
            loaded = self._decoded(wanted)
            _check_against_manifest(loaded, wanted.entry)
        except FormatError as problem:
            return problem
        self._memory.put(_cache_key(wanted), loaded, _WEIGHT_OF_NOTHING + loaded.nbytes)
        return loaded

    def _decoded(self, wanted: ObjectRef) -> Loaded:
        if wanted.masks:
            return tombstones.decode(self._bytes(wanted))
        if wanted.entry.kind == INVERTED.name:
            head = ivf.Head.decode(self._head(wanted), wanted.entry.bytes, wanted.index.space_id)
            return InvertedSegment(head, self._vector_files.open(head.count, head.dimension))
        return FlatSegment.decode(self._bytes(wanted), wanted.index.space_id)

    def _head(self, wanted: ObjectRef) -> bytes:
        """Return the head of an inverted segment, or all of it if the manifest lacks the head's length."""
        place = ivf.head_in(wanted.entry)
        if place is None:
            return self._bytes(wanted)
        length, digest = place
        kept = self._disk.get(digest)
        if kept is not None:
            if hashlib.sha256(kept).hexdigest() == digest:
                return kept
            self._disk.drop(digest)
        head = self._range(wanted, ByteRange(0, length))
        verified_read.check_head(head, digest)
        self._disk.put(digest, head)
        return head

    def _range(self, wanted: ObjectRef, span: ByteRange) -> bytes:
        return verified_read.read_range(self._store, wanted.index, wanted.entry, span)

    def _bytes(self, wanted: ObjectRef) -> bytes:
        entry = wanted.entry
        kept = self._disk.get(entry.sha256)
        if kept is not None:
            if len(kept) == entry.bytes and hashlib.sha256(kept).hexdigest() == entry.sha256:
                return kept
            self._disk.drop(entry.sha256)
        data = verified_read.read_whole(self._store, wanted.index, entry)
        self._disk.put(entry.sha256, data)
        return data


def _can_read(wanted: ObjectRef) -> bool:
    can_read = tombstones.can_read if wanted.masks else segment_kinds.can_read
    return can_read(wanted.entry)


def _check_against_manifest(loaded: Loaded, entry: ObjectEntry) -> None:
    count = len(loaded) if isinstance(loaded, np.ndarray) else loaded.count
    if count != entry.count:
        raise ObjectDamaged(f"it holds {count} images, but its manifest says {entry.count}")


def _digest_to_load(entry: ObjectEntry) -> str:
    head = ivf.head_in(entry) if entry.kind == INVERTED.name else None
    return head[1] if head else entry.sha256


def _size_to_load(entry: ObjectEntry) -> int:
    head = ivf.head_in(entry) if entry.kind == INVERTED.name else None
    return head[0] if head else entry.bytes


def _cache_key(wanted: ObjectRef) -> tuple[str, str]:
    return wanted.index.object(wanted.entry.key), wanted.entry.sha256


def _loaded(
    wanted: ObjectRef, loading: Loaded | FormatError | Future[Loaded | FormatError]
) -> tuple[ObjectRef, Loaded | FormatError]:
    return wanted, loading.result() if isinstance(loading, Future) else loading
