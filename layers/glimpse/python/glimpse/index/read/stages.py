"""Stages of re-ranking: how many candidates decide which ranks, the same for every page of a question.

A search of an inverted segment picks *candidates* by their codes and re-ranks them by their exact cosines.
More results need more candidates. But if the number of candidates depended on the number of results, the best
500 would not begin with the best 5. So candidates come in stages of fixed sizes. The ranks up to the first
stage's limit are the best of its candidates. Those up to the second's limit are the best of its candidates,
except those already returned, and so on. A search goes through as many stages as its last rank needs. After
:data:`RANKS` ranks, the ranking continues in the exact order of everything not yet returned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

RANKS = 1_000
"""Up to this rank, a search only re-ranks candidates, and a cursor names every image."""

FIRST_MATCHES = 2_000
DEEP_MATCHES = 20_000
"""Matching images that a filtered search's lists must hold: for the first stage, and for later ones."""

_DEEPEST = 1_800
_FEWEST_RANKS = 10
_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of re-ranking.

    Attributes
    ----------
    candidates : int
        Number of vectors that it re-ranks.
    ranks : int
        The last rank of the segment that it decides.
    """

    candidates: int
    ranks: int


def stages(candidates: int) -> Iterator[Stage]:
    """Yield the stages of a segment whose first stage re-ranks `candidates` vectors."""
    ranks, now = max(_FEWEST_RANKS, candidates // 4), candidates
    while now < _DEEPEST:
        yield Stage(now, min(RANKS, now, ranks))
        now *= _FACTOR
        ranks = max(ranks, now * 2 // 5)
    yield Stage(max(candidates, _DEEPEST), RANKS)


@lru_cache(maxsize=1024)
def stages_for(candidates: int, wanted: int) -> tuple[Stage, ...]:
    """Return the stages that it takes to return `wanted` results."""
    needed: list[Stage] = []
    for stage in stages(candidates):
        needed.append(stage)
        if stage.ranks >= wanted:
            break
    return tuple(needed)
