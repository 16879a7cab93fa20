"""Measures a segment's recall, to check whether it keeps its promises."""

from dataclasses import dataclass

import numpy as np

from glimpse.index.layout import IndexKey
from glimpse.index.segments.effort import RecallPromise
from glimpse.index.segments.ivf import Head
from glimpse.index.segments.recall_promise import Trial, make_queries
from glimpse.index.vectors import VectorBatch

_SEED = 2
"""Not the seed of the promise, so that the queries are different ones."""


@dataclass(frozen=True, slots=True)
class MeasuredPromise:
    """A promise of an inverted segment, and the recall that was measured.

    Attributes
    ----------
    key : str
        The object's key in the bucket.
    promise : RecallPromise, optional
        The promise; None if an earlier version wrote the segment.
    recall : float, optional
        The measured recall@10 with the promised effort, for the worst kind of query.
    """

    key: str
    promise: RecallPromise | None = None
    recall: float | None = None


def measure(data: bytes, batch: VectorBatch, key: IndexKey) -> list[tuple[RecallPromise, float]]:
    """Return the promises of an inverted segment, each with its measured recall.

    Parameters
    ----------
    data : bytes
        The segment.
    batch : VectorBatch
        The segment's vectors, in row order.
    key : IndexKey
        The index that it belongs to.

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
