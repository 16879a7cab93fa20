"""Search effort for inverted segments, and the recall that a segment promises for it."""

from dataclasses import dataclass

RECALL = 0.95
"""Default recall: the share of the ten nearest images that a search finds on average."""

LISTED = 4_000
"""A promise names lists that hold at least this many images: enough for every rank that candidates decide."""

LIST_REQUESTS = 52
VECTOR_REQUESTS = 104
"""Plus one for the manifest and one for the head, a cold search makes at most 158 requests."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly a search looks through inverted segments.

    Attributes
    ----------
    lists : int
        Posting lists to scan (nprobe).
    candidates : int
        Vectors to re-rank exactly for the first results; later results need more.
    list_requests, vector_requests : int
        Request budgets for lists and vectors, shared by all segments of a search. If a budget runs out, a
        cold search is less thorough than the next one.
    list_bytes : int
        Byte budget for lists; what they leave is for vectors.
    """

    lists: int = 128
    candidates: int = 200
    list_requests: int = LIST_REQUESTS
    vector_requests: int = VECTOR_REQUESTS
    list_bytes: int = 2_600_000


@dataclass(frozen=True, slots=True)
class RecallPromise:
    """The effort with which a search of a segment reaches a recall.

    Attributes
    ----------
    recall : float
        Recall@10: the share of the ten nearest images that is found.
    lists, candidates : int
        The effort: posting lists to scan, and candidates to re-rank.
    """

    recall: float
    lists: int
    candidates: int
