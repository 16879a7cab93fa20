"""The recall of a segment, measured: whether searches find in it what it promises."""

from dataclasses import dataclass

import numpy as np

from glimpse.index.layout import IndexKey
from glimpse.index.segments.effort import RecallPromise
from glimpse.index.segments.ivf import Head
from glimpse.index.segments.recall_promise import Trial, make_queries
from glimpse.index.vectors import VectorBatch

_SEED = 2
"""Other queries than the promise was made by."""


@dataclass(frozen=True, slots=True)
class MeasuredPromise:
    """What an inverted segment promises, and what was measured.

    Attributes
    ----------
    key : str
        The object's key in the bucket.
    promise : RecallPromise, optional
        The recall, and how thorough searches are for it; None where an earlier version wrote the segment.
    recall : float, optional
        The share of the ten nearest that such searches find, of the worst kind of query.
    """

    key: str
    promise: RecallPromise | None = None
    recall: float | None = None


def measure(data: bytes, batch: VectorBatch, key: IndexKey) -> list[tuple[RecallPromise, float]]:
    """Return what an inverted segment promises, each with the recall that is measured now.

    Parameters
    ----------
    data : bytes
        The segment.
    batch : VectorBatch
        Its vectors, in the order of its rows.
    key : IndexKey
        The index that it is part of.

    Raises
    ------
    FormatError
        If the segment can't be read.
    """
    head = Head.decode(data, len(data), key.space_id)
    queries = make_queries(batch, np.arange(len(batch)), _SEED) if head.promises else []
    if not queries:
        return []
    view, codes = memoryview(data), np.empty((head.count, head.coder.code_size), np.uint8)
    for number, end in enumerate(head.ends.tolist()):
        span = head.list_span(number)
        listed, ids = head.read_list(number, view[span.start : span.end])
        codes[end - len(ids) : end] = np.frombuffer(listed, np.uint8).reshape(-1, head.coder.code_size)
    trial = Trial(head.coder, head.ends, codes, queries)
    return [(promise, trial.recall(promise.lists, promise.candidates)) for promise in head.promises]
