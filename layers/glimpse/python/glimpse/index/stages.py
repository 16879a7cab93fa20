"""How deep a ranking looks, rank by rank: the same for every page of a question.

The best images of an inverted segment are those of the highest cosines among its *candidates*, which are the
rows that look best by their codes. More results need more candidates. Were their number a function of how
many results are wanted, the answer to "the best 500" would begin otherwise than the answer to "the best 5".
So candidates come in stages of fixed sizes: the ranks up to the first stage's bound are of the best of its
candidates, those up to the second's are of the best of its own, less what was given out before, and so on. A
search goes through as many stages as its last rank needs. After :data:`RANKS` ranks a ranking goes on with
the exact order of everything that it has not given out yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

RECALL = 0.95
"""The share of the ten nearest images that a search finds on average, where it does not say otherwise."""

RANKS = 1_000
"""Of the ranks up to this one a search compares candidates only; a cursor names every image of them."""

LISTED = 4_000
"""So many images the lists hold which a promise names: enough for all of these ranks."""

FIRST_MATCHES = 2_000
DEEP_MATCHES = 20_000
"""So many matching images a filtered search's lists hold, for its first stage and for the later ones."""

LIST_REQUESTS = 52
VECTOR_REQUESTS = 104
"""With one for the manifest and one for the head, a cold search makes at most 158 requests."""

_DEEPEST = 1_800
_FEWEST_RANKS = 10
_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly inverted segments are searched.

    Attributes
    ----------
    lists : int
        Lists to scan.
    candidates : int
        Vectors to compare exactly for the best results; there are more for later ones.
    list_requests, vector_requests : int
        How many requests to the bucket may be made for them, shared by the segments of a search. Where they
        are not enough, a cold search is less thorough than the next.
    list_bytes : int
        How many bytes of lists may be read; what they leave is for vectors.
    """

    lists: int = 128
    candidates: int = 200
    list_requests: int = LIST_REQUESTS
    vector_requests: int = VECTOR_REQUESTS
    list_bytes: int = 2_600_000


@dataclass(frozen=True, slots=True)
class Promise:
    """How thoroughly a segment has to be searched to find a share of the ten nearest images.

    Attributes
    ----------
    recall : float
        The share.
    lists, candidates : int
        The effort.
    """

    recall: float
    lists: int
    candidates: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a ranking.

    Attributes
    ----------
    candidates : int
        How many vectors it compares.
    ranks : int
        Up to which rank of the segment it reaches.
    """

    candidates: int
    ranks: int


def stages(candidates: int) -> Iterator[Stage]:
    """Yield the stages of a segment whose first one compares so many candidates."""
    ranks, now = max(_FEWEST_RANKS, candidates // 4), candidates
    while now < _DEEPEST:
        yield Stage(now, min(RANKS, now, ranks))
        now *= _FACTOR
        ranks = max(ranks, now * 2 // 5)
    yield Stage(max(candidates, _DEEPEST), RANKS)


@lru_cache(maxsize=1024)
def stages_for(candidates: int, wanted: int) -> tuple[Stage, ...]:
    """Return those that it takes to have so many results, if there are as many."""
    needed: list[Stage] = []
    for stage in stages(candidates):
        needed.append(stage)
        if stage.ranks >= wanted:
            break
    return tuple(needed)
