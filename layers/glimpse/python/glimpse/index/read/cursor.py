"""Cursors: what a ranking has shown so far, so that later pages repeat and skip nothing if the index changes.

A cursor names every image of the first :data:`~glimpse.index.read.stages.RANKS` ranks. Later ranks are in the
exact order of cosines, so a bound is enough: the last image's cosine, and the images close to it, since
another machine may round differently. So the service keeps no state between pages. If a commit, merge or
deletion comes between two pages, or another worker with a warmer cache answers, no image is repeated or
skipped.
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
    """The text is not a cursor, or belongs to another question."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The last image shown in exact order.

    Attributes
    ----------
    score : float
        Its cosine.
    folder_id, image_id : int
        Its folder and id.
    near : mapping of int to sequence of int, optional
        Images shown whose cosines are so close to `score` that another machine may order them differently.
        None if there are too many; ties are then broken by folder and image id.
    """

    score: float
    folder_id: int
    image_id: int
    near: Images | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a ranking.

    Attributes
    ----------
    ranks : int
        Number of images shown.
    shown : mapping of int to sequence of int
        Images shown that `bound` does not cover, by folder.
    bound : Bound, optional
        The last image shown, once the ranking is in exact order.
    pins : mapping of str to Effort
        The effort of segments that were searched with less effort than usual, by the beginning of their
        digests. The next page uses it too, so that it belongs to the same ranking.
    """

    ranks: int
    shown: Images
    bound: Bound | None = None
    pins: Mapping[str, Effort] = field(default_factory=dict)

    def encode(self, question: bytes) -> str:
        """Return the cursor as URL-safe text, tied to a question.

        Parameters
        ----------
        question : bytes
            Identifies the question; :meth:`decode` needs the same bytes.
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
        """Decode the text of a cursor.

        Raises
        ------
        CursorError
            If the text is not a cursor, or belongs to another question.
        """
        if len(text) > _MOST_BYTES * 4 // 3:
            raise CursorError("it is too long")
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise CursorError("it is not base64") from error
        body = data[_CHECKSUM:]
        if not body or data[:_CHECKSUM] != _checksum(body, question):
            raise CursorError("it belongs to another question, or was altered")
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
                raise CursorError("its score is not a cosine")
            place, near = (data.number(), data.number()), data.images()
            bound = Bound(score, *place, None if kind == b"\2" else near)
        data.finish()
        return cls(ranks, shown, bound, pins)


def tag_of(sha256: str) -> str:
    """Return the tag that identifies a segment in a cursor: the beginning of its digest."""
    return sha256[:_TAG]


class _Bytes:
    """Parses a cursor's bytes. They are untrusted: the checksum has no secret, so anyone can forge it."""

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
            raise CursorError("it has data after its end")


def _images(images: Images) -> Iterator[bytes]:
    """Yield image ids by folder, delta-encoded: their count, then the gap from each id to the next."""
    yield _number(len(images))
    before = -1
    for folder_id, ids in sorted(images.items()):
        yield _number(folder_id - before - 1) + _number(len(ids))
        before, last = folder_id, -1
        for image_id in sorted(ids):
            yield _number(image_id - last - 1)
            last = image_id


def _number(value: int) -> bytes:
    """Return a non-negative number as a varint: seven bits a byte, lowest first."""
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
