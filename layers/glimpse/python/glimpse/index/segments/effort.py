"""How thoroughly an inverted segment is searched, and what effort it promises to be enough."""

from dataclasses import dataclass

RECALL = 0.95
"""The share of the ten nearest images that a search finds on average, where it does not say otherwise."""

LISTED = 4_000
"""So many images the lists hold which a promise names: enough for every rank that is ranked by candidates."""

LIST_REQUESTS = 52
VECTOR_REQUESTS = 104
"""With one for the manifest and one for the head, a cold search makes at most 158 requests."""


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
class RecallPromise:
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
