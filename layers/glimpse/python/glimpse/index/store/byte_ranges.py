"""Reading many parts of one object in few requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GAP_BYTES = 8 * 2**10
"""Parts this close are read together: the bytes between cost less than a request."""

WIDEST_GAP_BYTES = 64 * 2**10
"""Parts farther apart are never read together, however many requests there are."""

READ_BYTES = 8 * 2**20
"""A request for more than this is split, since several connections are faster than one."""


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """Some bytes of an object.

    Attributes
    ----------
    start, length : int
        The first, and how many.
    """

    start: int
    length: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """One request: what it reads, and which of the wanted parts lie in there."""

    span: ByteRange
    parts: tuple[int, ...]

    def cut(self, wanted: Sequence[ByteRange], data: bytes) -> list[tuple[int, memoryview]]:
        """Return the parts by their numbers; those that `data` is too short for are short or empty."""
        view = memoryview(data)
        begin = self.span.start
        return [(part, view[wanted[part].start - begin : wanted[part].end - begin]) for part in self.parts]


def plan_requests(wanted: Sequence[ByteRange], most: int) -> list[RangeRequest]:
    """Return the requests that read some spans, neighbours together.

    Parameters
    ----------
    wanted : sequence of ByteRange
        In any order; they may not overlap.
    most : int
        How many requests to make, about at most: the smallest gaps are read along until it is so. Where that
        takes gaps of more than :data:`WIDEST_GAP_BYTES`, or reading more than :data:`READ_BYTES` at once,
        there are more.
    """
    order = sorted(range(len(wanted)), key=lambda part: wanted[part].start)
    gaps = [wanted[after].start - wanted[before].end for before, after in pairwise(order)]
    bound = GAP_BYTES
    if len(order) > most:
        bound = min(max(bound, sorted(gaps)[len(order) - 1 - most]), WIDEST_GAP_BYTES)
    reads: list[RangeRequest] = []
    group: list[int] = []
    for place, part in enumerate(order):
        if group:
            length = wanted[part].end - wanted[group[0]].start
            if gaps[place - 1] > bound or length > READ_BYTES:
                reads.append(_read(wanted, group))
                group = []
        group.append(part)
    if group:
        reads.append(_read(wanted, group))
    return reads


def length_of(reads: Sequence[RangeRequest]) -> int:
    """Return how many bytes some requests read."""
    return sum(read.span.length for read in reads)


def fitting(wanted: Sequence[ByteRange], requests: int, most_bytes: int) -> int:
    """Return how many spans, from the first on, can be read in so many requests and bytes, about."""
    fits, too_many = 0, len(wanted) + 1
    look = len(wanted)
    while look > fits:
        reads = plan_requests(wanted[:look], requests)
        if len(reads) <= requests and length_of(reads) <= most_bytes:
            fits = look
        else:
            too_many = look
        look = (fits + too_many) // 2
    return fits


def _read(wanted: Sequence[ByteRange], group: list[int]) -> RangeRequest:
    start = wanted[group[0]].start
    return RangeRequest(ByteRange(start, wanted[group[-1]].end - start), tuple(group))
