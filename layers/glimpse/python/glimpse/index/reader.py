"""Searching indexes: current manifests, cached objects, and the best images over all of them."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glimpse.index import rounds
from glimpse.index.answers import NO_IDS, Answer, FolderSearch, Problem, problem_with
from glimpse.index.batches import Ids, Vectors
from glimpse.index.cache import DiskCache, MemoryCache
from glimpse.index.calibrations import Calibration, calibration_of
from glimpse.index.errors import FormatError, ObjectForeign, ObjectMissing
from glimpse.index.filters import Filter
from glimpse.index.layout import IndexKey
from glimpse.index.lookup import Lookup, look_up
from glimpse.index.manifest import Manifest
from glimpse.index.manifests import Known, ManifestCache
from glimpse.index.objects import ObjectCache, Usage, Wanted
from glimpse.index.ranking import Ranking
from glimpse.index.relevance import DEPTH, Sample, count_relevant
from glimpse.index.rounds import Job, Question
from glimpse.index.scan import Effort, InvertedSegment
from glimpse.index.store import ObjectStore
from glimpse.index.vector_files import VectorFiles

DEFAULT_MEMORY_BYTES = 512 * 2**20
DEFAULT_DISK_BYTES = 400 * 2**20
"""Of the 512 MB that a Lambda function's /tmp has by default."""

_MANIFEST_BYTES = 64 * 2**20
THREADS = 32
_WHOLE_OBJECTS = 0.25
_ROUNDS = 3
"""How often a folder is read again because objects of its manifest are gone."""


class IndexReader:
    """Searches the indexes of one bucket. Safe between threads.

    Parameters
    ----------
    store : ObjectStore
        The bucket.
    memory_budget_bytes : int
        For decoded segments and tombstones.
    disk_budget_bytes : int
        For their bytes; 0 keeps nothing on disk. A quarter is for whole objects, the rest for vectors of
        inverted segments.
    disk_dir : Path, optional
        Where; ``glimpse-index`` in the system's folder for temporary files by default.
    effort : Effort, optional
        How thoroughly inverted segments are searched, where a search does not say.
    threads : int
        How many requests may be under way at once.
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
        self._effort = effort or Effort()
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
        only: Filter | None = None,
        exact: bool = False,
        effort: Effort | None = None,
        excluded: Mapping[IndexKey, Ids] | None = None,
        judged: bool = False,
    ) -> Answer:
        """Return the images nearest to a vector, over all of some indexes.

        Parameters
        ----------
        keys : sequence of IndexKey
            Indexes; one that does not exist adds nothing.
        vector : (d,) float32
            The query, of unit length; see :func:`~glimpse.index.query.combine`.
        top_k, offset : int
            How many images, at most, and how many of the best to skip.
        versions : mapping of IndexKey to int, optional
            The version that each index has at least: a cached manifest of it is used as it is, others are
            revalidated. An older index has lost images: a problem, and the rest is searched.
        only, excluded : Filter, and mapping of IndexKey to (m,) int64, optional
            Which images may be found, and which of an index may not, as if they had been removed.
        exact, effort : bool, and Effort, optional
            Whether to compare every vector; otherwise how thoroughly inverted segments are searched.
        judged : bool
            Find out how many are relevant, if the space has a calibration; for a text's embedding only.

        Raises
        ------
        ValueError
            If `vector` is not a finite vector, `top_k` is below 1 or `offset` below 0.
        StoreError
            If the store refuses or does not answer. Trouble with a single object is a problem in the answer.
        """
        if top_k < 1 or offset < 0:
            raise ValueError(f"top_k must be at least 1, not {top_k}; offset at least 0, not {offset}")
        calibration = calibration_of(keys[0].space_id) if judged and keys else None
        judged = calibration is not None  # otherwise there is no need to look deeper
        matches = only.matches if only else None
        question = Question(_query(vector), top_k + offset, effort or self._effort, matches, exact, judged)
        found = _Found(Ranking(max(question.wanted, DEPTH) if judged else question.wanted))
        self._search_current(dict.fromkeys(keys), versions or {}, question, excluded or {}, found)
        return found.answer(question, calibration, offset)

    def look_up(self, key: IndexKey, image_id: int, version: int | None = None) -> Lookup:
        """Return the vector of one image of an index.

        Parameters
        ----------
        key : IndexKey
            Which index; one that does not exist has no image.
        image_id : int
            Which image.
        version : int, optional
            As for :meth:`search`.

        Raises
        ------
        StoreError
            If the store refuses or does not answer.
        """
        versions = {} if version is None else {key: version}
        for _ in range(_ROUNDS):
            known = self._manifests.current([key], versions)[key]
            if known.problem:
                return Lookup(problems=[Problem(key, key.manifest, str(known.problem))])
            usable = {key: known.manifest} if known.manifest else {}
            found = look_up(self._objects, _tombstones_first(usable), image_id)
            if not found.is_outdated:
                break
            versions = {}
        found.problems.extend(_shortfalls({key: known}, {} if version is None else {key: version}))
        return found

    def warm(
        self, keys: Sequence[IndexKey], versions: Mapping[IndexKey, int] | None = None, *, whole: bool = False
    ) -> list[Problem]:
        """Load what searches over some indexes will need.

        Parameters
        ----------
        keys, versions
            As for :meth:`search`.
        whole : bool
            Also load every list and vector of inverted segments, as far as the budgets go; without it,
            searches read what they need of those.

        Raises
        ------
        StoreError
            If the store refuses or does not answer.
        """
        problems: list[Problem] = []
        jobs: list[Job] = []
        known = self._manifests.current(dict.fromkeys(keys), versions or {})
        usable = {key: item.manifest for key, item in known.items() if item.manifest}
        problems += [
            Problem(key, key.manifest, str(item.problem)) for key, item in known.items() if item.problem
        ]
        problems += _shortfalls(known, versions or {})
        for wanted, loaded in self._objects.load_all(_tombstones_first(usable)):
            if isinstance(loaded, FormatError):
                problems.append(problem_with(wanted, loaded))
            elif isinstance(loaded, InvertedSegment):
                jobs.append(Job(wanted, loaded, NO_IDS))
        if whole:
            rounds.read_whole(self._objects, jobs)
        return problems + [problem_with(job.wanted, job.problem) for job in jobs if job.problem]

    def usage(self) -> Usage:
        """Return what the reader takes at the moment."""
        return self._objects.usage()

    def _search_current(
        self,
        keys: Iterable[IndexKey],
        versions: Mapping[IndexKey, int],
        question: Question,
        excluded: Mapping[IndexKey, Ids],
        found: "_Found",
    ) -> None:
        """Search indexes, and once more those of which a sweep took what an old manifest named."""
        latest = known = self._manifests.current(keys, versions)
        for rounds_left in reversed(range(_ROUNDS)):
            outdated = self._search_known(known, question, excluded, found, final=not rounds_left)
            if not outdated:
                break
            known = self._manifests.current(outdated, {})
            latest |= known
        found.problems += _shortfalls(latest, versions)

    def _search_known(
        self,
        known: Mapping[IndexKey, Known],
        question: Question,
        excluded: Mapping[IndexKey, Ids],
        found: "_Found",
        *,
        final: bool,
    ) -> list[IndexKey]:
        """Search indexes by their manifests, and return those whose manifest names missing objects."""
        usable: dict[IndexKey, Manifest] = {}
        for key, item in known.items():
            problem = item.problem or _check_dimension(item.manifest, question.query)
            if problem:
                found.problems.append(Problem(key, key.manifest, str(problem)))
            elif item.manifest and item.manifest.segments:
                usable[key] = item.manifest
        folders = {key: FolderSearch.without(excluded.get(key, NO_IDS)) for key in usable}
        parts = list(_tombstones_first(usable))
        missing = self._objects.count_missing(parts)
        for wanted, loaded in self._objects.load_all(parts):
            folder = folders[wanted.index]
            if isinstance(loaded, ObjectMissing) and not final:
                folder.is_outdated = True
            elif not folder.is_outdated:
                folder.take(wanted, loaded, question)
        jobs = [job for folder in folders.values() if not folder.is_outdated for job in folder.jobs]
        rounds.search(self._objects, jobs, question, missing)
        for job in jobs:
            folders[job.wanted.index].take_found(job, final=final)
        for key, folder in folders.items():
            if not folder.is_outdated:
                found.problems += folder.problems
                found.samples += folder.samples
                for image_ids, scores in folder.found:
                    found.ranking.add(key.folder_id, image_ids, scores)
        return [key for key, folder in folders.items() if folder.is_outdated]


@dataclass(slots=True)
class _Found:
    """What a search has found so far, over all indexes."""

    ranking: Ranking
    problems: list[Problem] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def answer(self, question: Question, calibration: Calibration | None, offset: int) -> Answer:
        hits = self.ranking.hits()
        scores = [hit.score for hit in hits]
        relevant = count_relevant(question.query, scores, self.samples, calibration) if calibration else None
        return Answer(hits[offset : question.wanted], self.problems, relevant)


def _query(vector: npt.ArrayLike) -> Vectors:
    query = np.ascontiguousarray(vector, dtype=np.float32)
    if query.ndim != 1 or not np.all(np.isfinite(query)):
        raise ValueError(f"the query must be one finite vector, not an array of shape {query.shape}")
    return query


def _tombstones_first(manifests: Mapping[IndexKey, Manifest]) -> Iterator[Wanted]:
    for key, manifest in manifests.items():
        for entry in manifest.tombstones:
            yield Wanted(key, entry, masks=True)
        for entry in manifest.segments:
            yield Wanted(key, entry, masks=False)


def _shortfalls(known: Mapping[IndexKey, Known], versions: Mapping[IndexKey, int]) -> list[Problem]:
    reasons = ((key, item.shortfall(versions.get(key))) for key, item in known.items())
    return [Problem(key, key.manifest, reason) for key, reason in reasons if reason]


def _check_dimension(manifest: Manifest | None, query: Vectors) -> FormatError | None:
    if manifest is None or manifest.dimension in (None, len(query)):
        return None
    return ObjectForeign(f"its vectors have dimension {manifest.dimension}, the query has {len(query)}")
