"""The index reader: searches indexes with cached manifests and objects."""

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glimpse.index.errors import FormatError
from glimpse.index.layout import IndexKey
from glimpse.index.read import ivf_search
from glimpse.index.read.cursor import Cursor
from glimpse.index.read.filters import Filter
from glimpse.index.read.ivf_reads import NO_IDS, SegmentJob
from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.read.lookup import Lookup, look_up
from glimpse.index.read.manifest_cache import ManifestCache
from glimpse.index.read.object_cache import CacheUsage, ObjectCache
from glimpse.index.read.paging import next_page
from glimpse.index.read.question import Question
from glimpse.index.read.results import Answer, UnusableObject, problem_with
from glimpse.index.read.search import ROUNDS, SearchRun, shortfalls, tombstones_first
from glimpse.index.relevance.model import count_relevant
from glimpse.index.relevance.weights import calibration_of
from glimpse.index.segments.effort import RECALL, Effort
from glimpse.index.store.cache import DiskCache, MemoryCache
from glimpse.index.store.object_store import ObjectStore
from glimpse.index.store.vector_files import VectorFiles
from glimpse.index.vectors import Ids, Vectors

DEFAULT_MEMORY_BYTES = 512 * 2**20
DEFAULT_DISK_BYTES = 400 * 2**20
"""Fits the 512 MB that a Lambda function's /tmp has by default."""

_MANIFEST_BYTES = 64 * 2**20
THREADS = 32
_WHOLE_OBJECTS = 0.25


class IndexReader:
    """Searches the indexes in one bucket. Thread-safe.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    memory_budget_bytes : int
        Memory budget for decoded segments and tombstones.
    disk_budget_bytes : int
        Disk budget; 0 caches nothing on disk. A quarter is for whole objects, the rest for vectors of
        inverted segments.
    disk_dir : Path, optional
        Directory of the disk cache; by default ``glimpse-index`` in the system's temporary directory.
    effort : Effort, optional
        Default effort for inverted segments; None uses the effort that each segment promises.
    threads : int
        Maximum number of concurrent requests.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        memory_budget_bytes: int = DEFAULT_MEMORY_BYTES,
        disk_budget_bytes: int = DEFAULT_DISK_BYTES,
        disk_dir: Path | None = None,
        effort: Effort | None = None,
        threads: int = THREADS,
    ) -> None:
        folder = disk_dir or Path(tempfile.gettempdir()) / "glimpse-index"
        whole_bytes = int(disk_budget_bytes * _WHOLE_OBJECTS)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="index")
        self._effort = effort
        self._manifests = ManifestCache(store, pool, _MANIFEST_BYTES)
        self._objects = ObjectCache(
            store,
            pool,
            MemoryCache(memory_budget_bytes),
            DiskCache(folder, whole_bytes),
            VectorFiles(folder, disk_budget_bytes - whole_bytes),
        )

    def search(
        self,
        keys: Sequence[IndexKey],
        vector: npt.ArrayLike,
        top_k: int,
        versions: Mapping[IndexKey, int] | None = None,
        *,
        offset: int = 0,
        after: Cursor | None = None,
        only: Filter | None = None,
        exact: bool = False,
        effort: Effort | None = None,
        recall: float = RECALL,
        excluded: Mapping[IndexKey, Ids] | None = None,
        judged: bool = False,
    ) -> Answer:
        """Return the images nearest to a vector, across several indexes.

        The ranking does not depend on the page. As long as nothing changes, pages of any size are slices of
        one list. With cursors, no image is repeated or skipped even if the indexes change between pages.

        Parameters
        ----------
        keys : sequence of IndexKey
            The indexes; those that don't exist count as empty.
        vector : (d,) float32
            The query, of unit length; see :func:`~glimpse.index.read.query_vector.combine`.
        top_k, offset : int
            Maximum number of images, and how many of the best to skip.
        after : Cursor, optional
            Instead of `offset`: the `next` of an earlier answer.
        versions : mapping of IndexKey to int, optional
            The version that each index is known to have reached. A cached manifest of this version or later
            is used as it is; others are revalidated. An index that is older has lost images: that is reported
            as a problem, and what is left is searched.
        only, excluded : Filter, and mapping of IndexKey to (m,) int64, optional
            Which images may be found; and which images of an index to treat as removed.
        exact, effort : bool, and Effort, optional
            Whether to compare every vector; otherwise the effort for inverted segments, by default as they
            promise.
        recall : float
            Which promise to use, 0.95 or 0.98: the average share of the ten nearest images that is found.
        judged : bool
            Estimate how many results are relevant, if the space has a calibration; only for the embedding of
            a text.

        Raises
        ------
        ValueError
            If `vector` is not a finite vector, `top_k` is below 1, `offset` is below 0, or both `offset` and
            `after` are given.
        StoreError
            If the store refuses a request or does not answer. Problems with single objects are in the answer.
        """
        _check_page(top_k, offset, after)
        calibration = calibration_of(keys[0].space_id) if judged and keys else None
        before = after or Cursor(0, {})
        question = Question(
            _query(vector),
            top_k,
            effort or self._effort,
            recall,
            only.matches if only else None,
            exact,
            judged=calibration is not None,  # without a calibration there is no need to look deeper
            pins=before.pins,
        )
        search = SearchRun(
            self._manifests,
            self._objects,
            list(dict.fromkeys(keys)),
            versions or {},
            excluded or {},
            question,
        )
        page = next_page(search.look, before, offset, top_k)
        relevant = None
        if calibration is not None and before.bound is None:
            relevant = count_relevant(question.query, search.scores, search.samples, calibration)
        return Answer(
            page.hits,
            list(search.problems.values()),
            relevant,
            replace(page.after, pins=search.pins) if len(page.hits) == top_k else None,
            "cold" if search.pins else None,
            search.recall,
            before.ranks + offset,
        )

    def look_up(self, key: IndexKey, image_id: int, version: int | None = None) -> Lookup:
        """Return the vector of one image of an index.

        Parameters
        ----------
        key : IndexKey
            The index; one that does not exist counts as empty.
        image_id : int
            The image.
        version : int, optional
            As for :meth:`search`.

        Raises
        ------
        StoreError
            If the store refuses a request or does not answer.
        """
        versions = {} if version is None else {key: version}
        for _ in range(ROUNDS):
            known = self._manifests.current([key], versions)[key]
            if known.problem:
                return Lookup(problems=[UnusableObject(key, key.manifest, str(known.problem))])
            usable = {key: known.manifest} if known.manifest else {}
            found = look_up(self._objects, tombstones_first(usable), image_id)
            if not found.is_outdated:
                break
            versions = {}
        found.problems.extend(shortfalls({key: known}, {} if version is None else {key: version}))
        return found

    def warm(
        self, keys: Sequence[IndexKey], versions: Mapping[IndexKey, int] | None = None, *, whole: bool = False
    ) -> list[UnusableObject]:
        """Warm the caches for searches of some indexes, and return the objects that are unusable.

        Parameters
        ----------
        keys, versions
            As for :meth:`search`.
        whole : bool
            Also load all lists and vectors of inverted segments, as far as the budgets allow. Otherwise
            searches read what they need of them.

        Raises
        ------
        StoreError
            If the store refuses a request or does not answer.
        """
        problems: list[UnusableObject] = []
        jobs: list[SegmentJob] = []
        known = self._manifests.current(dict.fromkeys(keys), versions or {})
        usable = {key: item.manifest for key, item in known.items() if item.manifest}
        problems += [
            UnusableObject(key, key.manifest, str(item.problem))
            for key, item in known.items()
            if item.problem
        ]
        problems += shortfalls(known, versions or {})
        for wanted, loaded in self._objects.load_all(tombstones_first(usable)):
            if isinstance(loaded, FormatError):
                problems.append(problem_with(wanted, loaded))
            elif isinstance(loaded, InvertedSegment):
                jobs.append(SegmentJob(wanted, loaded, NO_IDS))
        if whole:
            ivf_search.read_whole(self._objects, jobs)
        return problems + [problem_with(job.wanted, job.problem) for job in jobs if job.problem]

    def usage(self) -> CacheUsage:
        """Return the current sizes of the caches."""
        return self._objects.usage()


def _query(vector: npt.ArrayLike) -> Vectors:
    query = np.ascontiguousarray(vector, dtype=np.float32)
    if query.ndim != 1 or not np.all(np.isfinite(query)):
        raise ValueError(f"the query must be one finite vector, not an array of shape {query.shape}")
    return query


def _check_page(top_k: int, offset: int, after: Cursor | None) -> None:
    if top_k < 1 or offset < 0:
        raise ValueError(f"top_k must be at least 1 (is {top_k}), and offset at least 0 (is {offset})")
    if after is not None and offset:
        raise ValueError("give either a cursor or an offset, not both")
