"""Searches several indexes at once, and retries those whose manifest turns out to be outdated."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from glimpse.index.errors import FormatError, ObjectForeign, ObjectMissing
from glimpse.index.format.manifest import Manifest
from glimpse.index.layout import IndexKey
from glimpse.index.read import ivf_search
from glimpse.index.read.cursor import tag_of
from glimpse.index.read.folder_search import FolderSearch
from glimpse.index.read.ivf_reads import NO_IDS, SegmentJob
from glimpse.index.read.manifest_cache import CachedManifest, ManifestCache
from glimpse.index.read.object_cache import ObjectCache, ObjectRef
from glimpse.index.read.paging import RankingRequest, RankingSlice
from glimpse.index.read.question import Question
from glimpse.index.read.results import UnusableObject
from glimpse.index.read.top_k import Ranking
from glimpse.index.relevance.model import DEPTH, Sample
from glimpse.index.segments.effort import Effort
from glimpse.index.vectors import Ids, Vectors

ROUNDS = 3
"""Maximum tries per folder, if objects that its manifest names are gone."""


@dataclass(slots=True)
class SearchRun:
    """A search of several indexes. It may take several passes, all over the same manifests.

    Attributes
    ----------
    problems : dict of str to UnusableObject
        What could not be searched, by object key.
    samples : list of Sample
        Score samples of the first pass, one per segment.
    scores : list of float
        The best scores of the first pass.
    pins : dict of str to Effort
        The effort for segments that were searched with less effort than they should, by segment tag.
    recall : float, optional
        The lowest recall that a segment promises; see :class:`~glimpse.index.read.results.Answer`.
    """

    manifests: ManifestCache
    objects: ObjectCache
    keys: Sequence[IndexKey]
    versions: Mapping[IndexKey, int]
    excluded: Mapping[IndexKey, Ids]
    question: Question
    problems: dict[str, UnusableObject] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    pins: dict[str, Effort] = field(default_factory=dict)
    recall: float | None = 1.0
    _known: dict[IndexKey, CachedManifest] = field(default_factory=dict)

    def look(self, how: RankingRequest) -> RankingSlice:
        """Make one pass; raise StoreError if the store refuses a request or does not answer."""
        is_first = not self._known
        if is_first:
            self._known = self.manifests.current(self.keys, self.versions)
        question = replace(
            self.question,
            wanted=how.wanted,
            below=how.below,
            past=how.past,
            exact=how.exact or self.question.exact,
            judged=self.question.judged and is_first,
        )
        ranking = Ranking(max(question.wanted, DEPTH) if question.judged else question.wanted)
        jobs = [job for job in self._search(question, ranking) if not job.problem]
        for problem in shortfalls(self._known, self.versions):
            self.problems.setdefault(problem.key, problem)
        hits = ranking.hits()
        if is_first:
            self.scores = [hit.score for hit in hits]
        return RankingSlice(
            hits[: how.wanted],
            is_complete=all(job.is_complete for job in jobs),
            is_exact=all(job.is_complete and job.is_exact for job in jobs),
        )

    def _search(self, question: Question, ranking: Ranking) -> list[SegmentJob]:
        """Search all indexes, and again those whose manifest names objects that a sweep has removed.

        Returns the jobs of inverted segments; flat segments are always compared in full.
        """
        known, jobs = self._known, list[SegmentJob]()
        for rounds_left in reversed(range(ROUNDS)):
            outdated, searched = self._search_known(known, question, ranking, final=not rounds_left)
            jobs += searched
            if not outdated:
                break
            known = self.manifests.current(outdated, {})
            self._known |= known
        return jobs

    def _search_known(
        self, known: Mapping[IndexKey, CachedManifest], question: Question, ranking: Ranking, *, final: bool
    ) -> tuple[list[IndexKey], list[SegmentJob]]:
        """Search indexes by the given manifests.

        Returns the indexes whose manifest names missing objects, and the inverted segments' jobs of the
        others.
        """
        usable = self._usable(known, question.query)
        folders = {key: FolderSearch.without(self.excluded.get(key, NO_IDS)) for key in usable}
        parts = list(tombstones_first(usable))
        missing = self.objects.count_missing(parts)
        for wanted, loaded in self.objects.load_all(parts):
            folder = folders[wanted.index]
            if isinstance(loaded, ObjectMissing) and not final:
                folder.is_outdated = True
            elif not folder.is_outdated:
                folder.take(wanted, loaded, question)
        jobs = [job for folder in folders.values() if not folder.is_outdated for job in folder.jobs]
        ivf_search.search(self.objects, jobs, question, missing)
        for job in jobs:
            folders[job.wanted.index].take_found(job, final=final)
        searched: list[SegmentJob] = []
        for key, folder in folders.items():
            if folder.is_outdated:
                continue
            for problem in folder.problems:
                self.problems.setdefault(problem.key, problem)
            self.samples += folder.samples if question.judged else []
            self._note(folder.jobs, question)
            searched += folder.jobs
            for image_ids, scores in folder.found:
                ranking.add(key.folder_id, image_ids, scores)
        return [key for key, folder in folders.items() if folder.is_outdated], searched

    def _usable(self, known: Mapping[IndexKey, CachedManifest], query: Vectors) -> dict[IndexKey, Manifest]:
        """Return the manifests that are usable and name segments; note problems with the others."""
        usable: dict[IndexKey, Manifest] = {}
        for key, item in known.items():
            problem = item.problem or _check_dimension(item.manifest, query)
            if problem:
                self.problems[key.manifest] = UnusableObject(key, key.manifest, str(problem))
            elif item.manifest and item.manifest.segments:
                usable[key] = item.manifest
        return usable

    def _note(self, jobs: Iterable[SegmentJob], question: Question) -> None:
        """Record reduced efforts and the lowest promised recall."""
        for job in jobs:
            if job.is_complete or job.problem:
                continue
            if job.bound:
                self.pins[tag_of(job.wanted.entry.sha256)] = job.bound
            promised = question.promise_of(job.segment)
            self.recall = None if promised is None or self.recall is None else min(self.recall, promised)


def tombstones_first(manifests: Mapping[IndexKey, Manifest]) -> Iterator[ObjectRef]:
    """Yield the objects of each index, tombstones before segments."""
    for key, manifest in manifests.items():
        for entry in manifest.tombstones:
            yield ObjectRef(key, entry, masks=True)
        for entry in manifest.segments:
            yield ObjectRef(key, entry, masks=False)


def shortfalls(
    known: Mapping[IndexKey, CachedManifest], versions: Mapping[IndexKey, int]
) -> list[UnusableObject]:
    """Return the indexes that are older than the version that they are known to have reached."""
    reasons = ((key, item.shortfall(versions.get(key))) for key, item in known.items())
    return [UnusableObject(key, key.manifest, reason) for key, reason in reasons if reason]


def _check_dimension(manifest: Manifest | None, query: Vectors) -> FormatError | None:
    if manifest is None or manifest.dimension in (None, len(query)):
        return None
    return ObjectForeign(f"its vectors have dimension {manifest.dimension}, but the query has {len(query)}")
