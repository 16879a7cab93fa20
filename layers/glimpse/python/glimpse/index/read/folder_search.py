"""The state of a search of one index."""

import sys
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from glimpse.index.errors import FormatError, ObjectForeign, ObjectMissing
from glimpse.index.read.cursor import tag_of
from glimpse.index.read.ivf_reads import NO_IDS, SegmentJob
from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.read.object_cache import Loaded, ObjectRef
from glimpse.index.read.question import Question
from glimpse.index.read.results import UnusableObject, problem_with
from glimpse.index.relevance.model import DEPTH, SAMPLE, Sample
from glimpse.index.segments.flat import FlatSegment
from glimpse.index.vectors import Ids, Vectors


@dataclass(slots=True)
class FolderSearch:
    """The state of a search of one index: separate, so that the search can be discarded and repeated.

    If a tombstone can't be read, segments older than it (below `unknown_before`) are skipped: an image that
    was removed must not come back.
    """

    masks: list[tuple[int, Ids]] = field(default_factory=list)
    unknown_before: int = 0
    found: list[tuple[Ids, Vectors]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    problems: list[UnusableObject] = field(default_factory=list)
    jobs: list[SegmentJob] = field(default_factory=list)
    is_outdated: bool = False

    @classmethod
    def without(cls, excluded: Ids) -> Self:
        """Return the search of an index that excludes some images from all segments."""
        return cls([(sys.maxsize, excluded)] if len(excluded) else [])

    def masked(self, sequence: int) -> Ids:
        """Return the ids that are masked in a segment by tombstones with a higher sequence number."""
        younger = [ids for committed, ids in self.masks if committed > sequence]
        return np.concatenate(younger) if younger else NO_IDS

    def take(self, wanted: ObjectRef, loaded: Loaded | FormatError, question: Question) -> None:
        """Search a flat segment, queue an inverted one, or add a tombstone's ids to the masks."""
        entry = wanted.entry
        query = question.query
        if isinstance(loaded, FlatSegment | InvertedSegment) and loaded.dimension != len(query):
            loaded = ObjectForeign(f"its vectors have dimension {loaded.dimension}")
        if isinstance(loaded, FormatError):
            reason = ""
            if wanted.masks:
                self.unknown_before = max(self.unknown_before, entry.sequence)
                reason = "; older segments are skipped, since it is unknown which images were removed"
            self.problems.append(problem_with(wanted, loaded, reason))
        elif isinstance(loaded, np.ndarray):
            self.masks.append((entry.sequence, loaded))
        elif entry.sequence >= self.unknown_before:
            masked = self.masked(entry.sequence)
            if isinstance(loaded, InvertedSegment):
                pin = question.pin_for(loaded, tag_of(entry.sha256))
                self.jobs.append(
                    SegmentJob(wanted, loaded, masked, pin or question.effort_for(loaded), bound=pin)
                )
                # Most of its vectors are never scored, so there is no sample of its scores.
                self.samples.append(Sample(np.empty(0, np.float32), loaded.count))
            else:
                wanted_here = max(question.wanted, DEPTH) if question.judged else question.wanted
                most = wanted_here if question.below is None else loaded.count
                ranked = loaded.search(query, most, masked, question.matching)
                self.found.append(question.best(wanted.index.folder_id, *ranked))
                if question.judged:
                    self.samples.append(Sample(*loaded.sample(query, SAMPLE, masked, question.matching)))

    def take_found(self, job: SegmentJob, *, final: bool) -> None:
        """Add the results of an inverted segment's search, or its problem."""
        if isinstance(job.problem, ObjectMissing) and not final:
            self.is_outdated = True
        elif job.problem:
            self.problems.append(problem_with(job.wanted, job.problem))
        else:
            self.found += job.found
