"""What a search found, folder by folder and in all."""

import sys
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from glimpse.index.batches import Ids, Vectors
from glimpse.index.cursors import Cursor, tag_of
from glimpse.index.errors import FormatError, ObjectForeign, ObjectMissing
from glimpse.index.layout import IndexKey
from glimpse.index.objects import Loaded, Wanted
from glimpse.index.question import Question
from glimpse.index.ranking import Hit
from glimpse.index.reads import NO_IDS, Job
from glimpse.index.relevance import DEPTH, SAMPLE, Sample
from glimpse.index.scan import InvertedSegment
from glimpse.index.segment import FlatSegment


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
    relevant : int, optional
        How many of the first images of the whole ranking answer the query; None where that can't be told.
    next : Cursor, optional
        Where the ranking goes on; None after its last image.
    approximate : str, optional
        ``cold`` where fewer vectors were compared than should be, since too many would have had to be read.
    recall : float, optional
        The share of the ten nearest images that such a search finds on average, as segments promise it; 1
        where every vector was compared, None where nothing is promised.
    offset : int
        How many images of the ranking come before these.
    """

    hits: list[Hit]
    problems: list[Problem]
    relevant: int | None = None
    next: Cursor | None = None
    approximate: str | None = None
    recall: float | None = None
    offset: int = 0


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
    problems: list[Problem] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    is_outdated: bool = False

    @classmethod
    def without(cls, excluded: Ids) -> Self:
        """Return the search of an index from which some images are left out, of whatever age."""
        return cls([(sys.maxsize, excluded)] if len(excluded) else [])

    def masked(self, sequence: int) -> Ids:
        """Return the ids that tombstones younger than a segment mask in it."""
        younger = [ids for committed, ids in self.masks if committed > sequence]
        return np.concatenate(younger) if younger else NO_IDS

    def take(self, wanted: Wanted, loaded: Loaded | FormatError, question: Question) -> None:
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
                self.jobs.append(Job(wanted, loaded, masked, pin or question.effort_for(loaded), bound=pin))
                # Nobody has looked at most of its scores.
                self.samples.append(Sample(np.empty(0, np.float32), loaded.count))
            else:
                wanted_here = max(question.wanted, DEPTH) if question.judged else question.wanted
                most = wanted_here if question.below is None else loaded.count
                ranked = loaded.search(query, most, masked, question.matching)
                self.found.append(question.best(wanted.index.folder_id, *ranked))
                if question.judged:
                    self.samples.append(Sample(*loaded.sample(query, SAMPLE, masked, question.matching)))

    def take_found(self, job: Job, *, final: bool) -> None:
        """Note what the search of an inverted segment found, or why it can't be used."""
        if isinstance(job.problem, ObjectMissing) and not final:
            self.is_outdated = True
        elif job.problem:
            self.problems.append(problem_with(job.wanted, job.problem))
        else:
            self.found += job.found


def problem_with(wanted: Wanted, error: FormatError, more: str = "") -> Problem:
    """Return why an object was left out."""
    return Problem(wanted.index, wanted.index.object(wanted.entry.key), f"{error}{more}")
