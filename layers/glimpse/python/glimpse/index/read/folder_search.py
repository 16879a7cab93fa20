"""One index while it is being searched."""

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
    """One index while it is being searched: kept apart, so that it can be dropped and searched again.

    Where a tombstone can't be read, segments older than it (below `unknown_before`) are left out: an image
    that was removed must not come back.
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
        """Return the search of an index from which some images are left out, of whatever age."""
        return cls([(sys.maxsize, excluded)] if len(excluded) else [])

    def masked(self, sequence: int) -> Ids:
        """Return the ids that tombstones younger than a segment mask in it."""
        younger = [ids for committed, ids in self.masks if committed > sequence]
        return np.concatenate(younger) if younger else NO_IDS

    def take(self, wanted: ObjectRef, loaded: Loaded | FormatError, question: Question) -> None:
        """Search a segment, note that it is to be searched, or note which ids a tombstone masks."""
        entry = wanted.entry
        query = question.query
        if isinstance(loaded, FlatSegment | InvertedSegment) and loaded.dimension != len(query):
            loaded = ObjectForeign(f"its vectors have dimension {loaded.dimension}")
        if isinstance(loaded, FormatError):
            reason = ""
            if wanted.masks:
                self.unknown_before = max(self.unknown_before, entry.sequence)
                reason = "; it says which images were removed, so older segments are left out"
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
                # Nobody has looked at most of its scores.
                self.samples.append(Sample(np.empty(0, np.float32), loaded.count))
            else:
                wanted_here = max(question.wanted, DEPTH) if question.judged else question.wanted
                most = wanted_here if question.below is None else loaded.count
                ranked = loaded.search(query, most, masked, question.matching)
                self.found.append(question.best(wanted.index.folder_id, *ranked))
                if question.judged:
                    self.samples.append(Sample(*loaded.sample(query, SAMPLE, masked, question.matching)))

    def take_found(self, job: SegmentJob, *, final: bool) -> None:
        """Note what the search of an inverted segment found, or why it can't be used."""
        if isinstance(job.problem, ObjectMissing) and not final:
            self.is_outdated = True
        elif job.problem:
            self.problems.append(problem_with(job.wanted, job.problem))
        else:
            self.found += job.found
