"""Coalesces reads of many byte ranges of one object into few requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GAP_BYTES = 8 * 2**10
"""Ranges this close are read together: the bytes between them cost less than a request."""

WIDEST_GAP_BYTES = 64 * 2**10
"""Ranges farther apart are never read together, however many requests that takes."""

READ_BYTES = 8 * 2**20
"""Coalesced reads don't grow beyond this size, because several connections are faster than one."""


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """A byte range of an object.

    Attributes
    ----------
    start, length : int
        Offset of the first byte, and number of bytes.
    """

    start: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte after the range."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """One request: the range that it reads, and the indices of the wanted ranges inside it."""

    span: ByteRange
    parts: tuple[int, ...]

    def cut(self, wanted: Sequence[ByteRange], data: bytes) -> list[tuple[int, memoryview]]:
        """Return the wanted ranges with their indices, cut short where `data` is too short."""
        view = memoryview(data)
        begin = self.span.start
        return [(part, view[wanted[part].start - begin : wanted[part].end - begin]) for part in self.parts]


def plan_requests(wanted: Sequence[ByteRange], most: int) -> list[RangeRequest]:
    """Return the requests that read all wanted ranges, with neighbours coalesced.

    Parameters
    ----------
    wanted : sequence of ByteRange
        In any order, without overlaps.
    most : int
        The number of requests to aim for. The smallest gaps are bridged first until the number is reached.
        There are more requests if reaching it would bridge a gap wider than :data:`WIDEST_GAP_BYTES` or read
        more than :data:`READ_BYTES` at once.
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
    """Return how many bytes the requests read in total."""
    return sum(read.span.length for read in reads)


def fitting(wanted: Sequence[ByteRange], requests: int, most_bytes: int) -> int:
    """Return how many leading ranges of `wanted` fit, approximately, into a budget of requests and bytes."""
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
