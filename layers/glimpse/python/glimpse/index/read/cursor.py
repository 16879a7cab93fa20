"""Where a ranking goes on: what was shown so far, so that whatever changed meanwhile shows nothing twice.

A cursor names the images of the first :data:`~glimpse.index.read.stages.RANKS` ranks. What comes after them
is in the exact order of cosines, so a bound does: the last image's cosine, and the images near it, since
another machine may round otherwise. So pages need nothing that the service remembers. A commit, a merge, a
deletion, or a worker that has more at hand, between two pages, neither doubles an image nor leaves one out.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from glimpse.index.segments.effort import Effort
from glimpse.keys import MAX_ID

Images = Mapping[int, Sequence[int]]
"""Image ids by folder."""

_VERSION = 1
_CHECKSUM = 8
_PINS = 16
_TAG = 8
_MOST_BYTES = 256 * 2**10
_SHORT = 127


class CursorError(ValueError):
    """What was given is no cursor of the question."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The last image shown in exact order.

    Attributes
    ----------
    score : float
        Its cosine.
    folder_id, image_id : int
        Which it is.
    near : mapping of int to sequence of int, optional
        The images shown whose cosines differ so little from `score` that another machine may order them
        otherwise. None where there are too many: then equal cosines go by folder and image id.
    """

    score: float
    folder_id: int
    image_id: int
    near: Images | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a ranking goes on.

    Attributes
    ----------
    ranks : int
        How many images were shown.
    shown : mapping of int to sequence of int
        Those that `bound` does not tell, by folder.
    bound : Bound, optional
        Since the ranking is in exact order: the last image shown.
    pins : mapping of str to Effort
        By the beginning of segments' digests: how thoroughly those are searched, where it was less than it
        should be; so that the next page is of the same ranking.
    """

    ranks: int
    shown: Images
    bound: Bound | None = None
    pins: Mapping[str, Effort] = field(default_factory=dict)

    def encode(self, question: bytes) -> str:
        """Return the cursor as text for addresses, bound to a question.

        Parameters
        ----------
        question : bytes
            Says what was asked; a cursor opens with the same bytes only.
        """
        body = bytes([_VERSION]) + b"".join(self._parts())
        return base64.urlsafe_b64encode(_checksum(body, question) + body).decode().rstrip("=")

    def _parts(self) -> Iterator[bytes]:
        yield _number(self.ranks)
        yield from _images(self.shown)
        pins = list(self.pins.items())[:_PINS]
        yield _number(len(pins))
        for tag, effort in pins:
            yield bytes.fromhex(tag) + _number(effort.lists) + _number(effort.candidates)
        if self.bound is None:
            yield b"\0"
            return
        yield b"\2" if self.bound.near is None else b"\1"
        yield struct.pack("<f", self.bound.score)
        yield _number(self.bound.folder_id) + _number(self.bound.image_id)
        yield from _images(self.bound.near or {})

    @classmethod
    def decode(cls, text: str, question: bytes) -> Self:
        """Return the cursor that was encoded so.

        Raises
        ------
        CursorError
            If it was not, or for another question.
        """
        if len(text) > _MOST_BYTES * 4 // 3:
            raise CursorError("it is too long")
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise CursorError("it is not base64") from error
        body = data[_CHECKSUM:]
        if not body or data[:_CHECKSUM] != _checksum(body, question):
            raise CursorError("it is of another question, or altered")
        if body[0] != _VERSION:
            raise CursorError("it is of another version")
        return cls._read(_Bytes(body[1:]))

    @classmethod
    def _read(cls, data: "_Bytes") -> Self:
        ranks, shown = data.number(), data.images()
        pins = {}
        for _ in range(data.number(_PINS)):
            tag = data.take(_TAG // 2).hex()
            pins[tag] = Effort(lists=max(1, data.number()), candidates=max(1, data.number()))
        kind = data.take(1)
        bound = None
        if kind != b"\0":
            (score,) = struct.unpack("<f", data.take(4))
            if not -1 <= score <= 1:
                raise CursorError("its score is none")
            place, near = (data.number(), data.number()), data.images()
            bound = Bound(score, *place, None if kind == b"\2" else near)
        data.finish()
        return cls(ranks, shown, bound, pins)


def tag_of(sha256: str) -> str:
    """Return what stands for a segment in a cursor."""
    return sha256[:_TAG]


class _Bytes:
    """Reads what a cursor is made of; its checksum says that it is ours, but anybody can make one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise CursorError("it ends too early")
        self._at += count
        return part

    def number(self, most: int = MAX_ID) -> int:
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & _SHORT) << shift
            shift += 7
            if value > most:
                raise CursorError("a number in it is too large")
            if byte <= _SHORT:
                return value

    def images(self) -> dict[int, list[int]]:
        images: dict[int, list[int]] = {}
        folder_id = -1
        for _ in range(self.number()):
            folder_id += 1 + self.number()
            ids, image_id = [], -1
            for _ in range(self.number()):
                image_id += 1 + self.number()
                ids.append(image_id)
            images[folder_id] = ids
        return images

    def finish(self) -> None:
        if self._at != len(self._data):
            raise CursorError("it goes on too long")


def _images(images: Images) -> Iterator[bytes]:
    """Yield image ids by folder: their number, then each as the distance from the one before."""
    yield _number(len(images))
    before = -1
    for folder_id, ids in sorted(images.items()):
        yield _number(folder_id - before - 1) + _number(len(ids))
        before, last = folder_id, -1
        for image_id in sorted(ids):
            yield _number(image_id - last - 1)
            last = image_id


def _number(value: int) -> bytes:
    """Return a number of 0 or more in bytes of seven bits, the lowest first."""
    parts = bytearray()
    while value > _SHORT:
        parts.append(value & _SHORT | _SHORT + 1)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _checksum(body: bytes, question: bytes) -> bytes:
    return hashlib.blake2b(
        body, digest_size=_CHECKSUM, key=hashlib.blake2b(question, digest_size=32).digest()
    ).digest()
