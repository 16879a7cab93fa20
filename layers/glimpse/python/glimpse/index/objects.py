"""Immutable objects as a reader loads them: from memory, from disk, from the bucket, checked and decoded."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from glimpse.index import segment, tombstones
from glimpse.index.cache import DiskCache, MemoryCache
from glimpse.index.errors import FormatError, ObjectDamaged, ObjectMissing, ObjectUnsupported
from glimpse.index.layout import IndexKey
from glimpse.index.manifest import ObjectEntry
from glimpse.index.segment import FlatSegment, Ids
from glimpse.index.store import ObjectStore

_AHEAD_BYTES = 64 * 2**20
_AHEAD_COUNT = 32
_WEIGHT_OF_NOTHING = 500

Loaded = FlatSegment | Ids


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object to load: of which index, what its manifest says about it, and whether it is a tombstone."""

    index: IndexKey
    entry: ObjectEntry
    masks: bool


class ObjectCache:
    """Segments and tombstones of one bucket.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    pool : Executor
        Runs the loads.
    memory : MemoryCache
        Holds decoded objects.
    disk : DiskCache
        Holds the bytes.
    """

    def __init__(
        self,
        store: ObjectStore,
        pool: Executor,
        memory: MemoryCache[tuple[str, str], Loaded],
        disk: DiskCache,
    ) -> None:
        self._store = store
        self._pool = pool
        self._memory = memory
        self._disk = disk

    def load_all(self, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Loaded | FormatError]]:
        """Yield each object, or why it can't be used, in the order asked for.

        Some are loaded ahead in the pool, within bounds, so that memory holds the budget and little more.

        Raises
        ------
        StoreError
            If the store refuses or does not answer.
        """
        ahead: deque[tuple[Wanted, Loaded | FormatError | Future[Loaded | FormatError]]] = deque()
        ahead_bytes = 0
        for item in wanted:
            held = self._memory.get(_cache_key(item))
            ahead.append((item, self._pool.submit(self._load, item) if held is None else held))
            ahead_bytes += item.entry.bytes
            while len(ahead) > _AHEAD_COUNT or (ahead_bytes > _AHEAD_BYTES and len(ahead) > 1):
                ahead_bytes -= ahead[0][0].entry.bytes
                yield _settled(*ahead.popleft())
        while ahead:
            yield _settled(*ahead.popleft())

    def _load(self, wanted: Wanted) -> Loaded | FormatError:
        decode = _decoder(wanted)
        if decode is None:
            return ObjectUnsupported(
                f"its kind {wanted.entry.kind!r}, version {wanted.entry.format_version}, "
                "is newer than what this version can read"
            )
        try:
            loaded = decode(self._bytes(wanted))
            _check_against_manifest(loaded, wanted.entry)
        except FormatError as problem:
            return problem
        self._memory.put(_cache_key(wanted), loaded, _WEIGHT_OF_NOTHING + loaded.nbytes)
        return loaded

    def _bytes(self, wanted: Wanted) -> bytes:
        entry = wanted.entry
        kept = self._disk.get(entry.sha256)
        if kept is not None:
            if _is_intact(kept, entry):
                return kept
            self._disk.drop(entry.sha256)
        stored = self._store.get(wanted.index.object(entry.key))
        if stored is None:
            raise ObjectMissing("it does not exist")
        if len(stored.data) != entry.bytes:
            raise ObjectDamaged(f"it has {len(stored.data)} bytes, where its manifest says {entry.bytes}")
        if not _is_intact(stored.data, entry):
            raise ObjectDamaged("its SHA-256 is not the one in its manifest")
        self._disk.put(entry.sha256, stored.data)
        return stored.data


def _decoder(wanted: Wanted) -> Callable[[bytes], Loaded] | None:
    known = tombstones if wanted.masks else segment
    if wanted.entry.kind != known.KIND or wanted.entry.format_version > known.FORMAT_VERSION:
        return None
    if wanted.masks:
        return tombstones.decode
    return lambda data: FlatSegment.decode(data, wanted.index.space_id)


def _check_against_manifest(loaded: Loaded, entry: ObjectEntry) -> None:
    count = len(loaded.image_ids) if isinstance(loaded, FlatSegment) else len(loaded)
    if count != entry.count:
        raise ObjectDamaged(f"it holds {count} images, where its manifest says {entry.count}")


def _cache_key(wanted: Wanted) -> tuple[str, str]:
    return wanted.index.object(wanted.entry.key), wanted.entry.sha256


def _is_intact(data: bytes, entry: ObjectEntry) -> bool:
    return len(data) == entry.bytes and hashlib.sha256(data).hexdigest() == entry.sha256


def _settled(
    wanted: Wanted, loading: Loaded | FormatError | Future[Loaded | FormatError]
) -> tuple[Wanted, Loaded | FormatError]:
    return wanted, loading.result() if isinstance(loading, Future) else loading
