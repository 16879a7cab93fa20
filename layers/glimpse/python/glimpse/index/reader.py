"""Searching indexes: current manifests, cached objects, and the best images over all of them."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glimpse.index.cache import DiskCache, MemoryCache
from glimpse.index.errors import FormatError, ObjectForeign, ObjectMissing
from glimpse.index.layout import IndexKey
from glimpse.index.manifest import Manifest
from glimpse.index.manifests import Known, ManifestCache
from glimpse.index.objects import Loaded, ObjectCache, Wanted
from glimpse.index.ranking import Hit, Ranking
from glimpse.index.segment import FlatSegment, Ids, Vectors
from glimpse.index.store import ObjectStore

DEFAULT_MEMORY_BYTES = 512 * 2**20
DEFAULT_DISK_BYTES = 400 * 2**20
"""Of the 512 MB that a function's /tmp has."""

_MANIFEST_BYTES = 64 * 2**20
_THREADS = 32
_ROUNDS = 3
"""How often a folder is read again because objects of its manifest are gone."""

_NO_IDS: Ids = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Problem:
    """An object that could not be searched.

    Attributes
    ----------
    index : IndexKey
        The index that it is part of.
    key : str
        Its key in the bucket.
    reason : str
        What is wrong with it, as a clause.
    """

    index: IndexKey
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key} can't be used: {self.reason}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Attributes
    ----------
    hits : list of Hit
        Best first, one per folder and image.
    problems : list of Problem
        Objects that were left out; everything else was searched.
    """

    hits: list[Hit]
    problems: list[Problem]


@dataclass(slots=True)
class _Folder:
    """One index while it is being searched: kept apart, so that it can be dropped and searched again.

    Where a tombstone can't be read, segments older than it (below `unknown_before`) are left out: an image
    that was removed must not come back.
    """

    masks: list[tuple[int, Ids]] = field(default_factory=list)
    unknown_before: int = 0
    found: list[tuple[Ids, Vectors]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    is_outdated: bool = False

    def masked(self, sequence: int) -> Ids:
        """Return the ids that tombstones younger than a segment mask in it."""
        younger = [ids for committed, ids in self.masks if committed > sequence]
        return np.concatenate(younger) if younger else _NO_IDS


class IndexReader:
    """Searches the indexes of one bucket. Safe between threads.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    memory_budget_bytes : int
        For decoded segments and tombstones.
    disk_budget_bytes : int
        For their bytes; 0 keeps nothing on disk.
    disk_dir : Path, optional
        Where; ``glimpse-index`` in the system's folder for temporary files by default.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        memory_budget_bytes: int = DEFAULT_MEMORY_BYTES,
        disk_budget_bytes: int = DEFAULT_DISK_BYTES,
        disk_dir: Path | None = None,
    ) -> None:
        folder = disk_dir or Path(tempfile.gettempdir()) / "glimpse-index"
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="index")
        self._manifests = ManifestCache(store, pool, _MANIFEST_BYTES)
        self._objects = ObjectCache(
            store, pool, MemoryCache(memory_budget_bytes), DiskCache(folder, disk_budget_bytes)
        )

    def search(
        self,
        keys: Sequence[IndexKey],
        vector: npt.ArrayLike,
        top_k: int,
        versions: Mapping[IndexKey, int] | None = None,
    ) -> Answer:
        """Return the images nearest to a vector, over all of some indexes.

        Parameters
        ----------
        keys : sequence of IndexKey
            Indexes; one that does not exist adds nothing.
        vector : (d,) float32
            The query, of unit length.
        top_k : int
            How many images, at most.
        versions : mapping of IndexKey to int, optional
            The version that each index has at least. A cached manifest of that version is used as it is;
            one of an index not named here is always revalidated.

        Raises
        ------
        ValueError
            If `vector` is not a finite vector, or `top_k` is below 1.
        StoreError
            If the store refuses or does not answer. Trouble with a single object is a problem in the answer.
        """
        query = np.ascontiguousarray(vector, dtype=np.float32)
        if query.ndim != 1 or not np.all(np.isfinite(query)):
            raise ValueError(f"the query must be one finite vector, not an array of shape {query.shape}")
        if top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {top_k}")
        ranking, problems = Ranking(top_k), list[Problem]()
        known = self._manifests.current(dict.fromkeys(keys), versions or {})
        for rounds_left in reversed(range(_ROUNDS)):
            outdated = self._search_known(known, query, top_k, ranking, problems, final=not rounds_left)
            if not outdated:
                break
            # A sweep took what an old manifest named. The current one names what is there.
            known = self._manifests.current(outdated, {})
        return Answer(ranking.hits(), problems)

    def _search_known(
        self,
        known: Mapping[IndexKey, Known],
        query: Vectors,
        top_k: int,
        ranking: Ranking,
        problems: list[Problem],
        *,
        final: bool,
    ) -> list[IndexKey]:
        """Search indexes by their manifests, and return those whose manifest names missing objects."""
        usable: dict[IndexKey, Manifest] = {}
        for key, item in known.items():
            problem = item.problem or _check_dimension(item.manifest, query)
            if problem:
                problems.append(Problem(key, key.manifest, str(problem)))
            elif item.manifest and item.manifest.segments:
                usable[key] = item.manifest
        folders = {key: _Folder() for key in usable}
        for wanted, loaded in self._objects.load_all(_tombstones_first(usable)):
            folder = folders[wanted.index]
            if isinstance(loaded, ObjectMissing) and not final:
                folder.is_outdated = True
            elif not folder.is_outdated:
                _take(folder, wanted, loaded, query, top_k)
        for key, folder in folders.items():
            if not folder.is_outdated:
                problems += folder.problems
                for image_ids, scores in folder.found:
                    ranking.add(key.folder_id, image_ids, scores)
        return [key for key, folder in folders.items() if folder.is_outdated]


def _tombstones_first(manifests: Mapping[IndexKey, Manifest]) -> Iterator[Wanted]:
    for key, manifest in manifests.items():
        for entry in manifest.tombstones:
            yield Wanted(key, entry, masks=True)
        for entry in manifest.segments:
            yield Wanted(key, entry, masks=False)


def _take(folder: _Folder, wanted: Wanted, loaded: Loaded | FormatError, query: Vectors, top_k: int) -> None:
    """Search a segment, or note which ids a tombstone masks."""
    entry = wanted.entry
    if isinstance(loaded, FlatSegment) and loaded.dimension != len(query):
        loaded = ObjectForeign(f"its vectors have dimension {loaded.dimension}")
    if isinstance(loaded, FormatError):
        reason = str(loaded)
        if wanted.masks:
            folder.unknown_before = max(folder.unknown_before, entry.sequence)
            reason += "; it says which images were removed, so older segments are left out"
        folder.problems.append(Problem(wanted.index, wanted.index.object(entry.key), reason))
    elif not isinstance(loaded, FlatSegment):
        folder.masks.append((entry.sequence, loaded))
    elif entry.sequence >= folder.unknown_before:
        folder.found.append(loaded.search(query, top_k, folder.masked(entry.sequence)))


def _check_dimension(manifest: Manifest | None, query: Vectors) -> FormatError | None:
    if manifest is None or manifest.dimension in (None, len(query)):
        return None
    return ObjectForeign(f"its vectors have dimension {manifest.dimension}, the query has {len(query)}")
