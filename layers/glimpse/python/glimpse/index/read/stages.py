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

RANKS = 1_000
"""Of the ranks up to this one a search compares candidates only; a cursor names every image of them."""

FIRST_MATCHES = 2_000
DEEP_MATCHES = 20_000
"""So many matching images a filtered search's lists hold, for its first stage and for the later ones."""

_DEEPEST = 1_800
_FEWEST_RANKS = 10
_FACTOR = 3


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
