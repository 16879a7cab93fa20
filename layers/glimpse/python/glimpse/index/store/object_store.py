"""The object store interface of the index: strongly consistent reads and conditional writes."""

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol


class NotModified(Enum):
    """The type of :data:`NOT_MODIFIED`."""

    ANSWER = "not modified"


NOT_MODIFIED: Final = NotModified.ANSWER
"""The result of a conditional read if the object has not changed."""


Data = bytes | mmap.mmap
"""The bytes of an object to write; those of a large object may be a memory-mapped file."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was read: its bytes, and the ETag that changes with them."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing.

    Attributes
    ----------
    key : str
        The full key.
    bytes : int
        The size.
    modified : float
        When the object was written: seconds since 1970 UTC by the store's clock.
    """

    key: str
    bytes: int
    modified: float


class ObjectStore(Protocol):
    """One bucket.

    Every method raises :class:`~glimpse.index.errors.StoreUnavailable` if the store does not answer (a write
    may still have succeeded), and :class:`~glimpse.index.errors.StoreError` if it refuses the request. A read
    raises :class:`~glimpse.index.errors.ObjectDamaged` if the store knows that the bytes are not those that
    were written.
    """

    def get(self, key: str) -> StoredObject | None:
        """Return an object, or None if there is none."""

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        """Return an object, :data:`NOT_MODIFIED` if its ETag is still `etag`, or None if there is none."""

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        """Return up to `length` bytes of an object, starting at `start`, or None if there is no object."""

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        """Replace an object if its ETag is `etag`; raise Conflict if it has changed or is gone."""

    def put_if_none_match(self, key: str, data: Data) -> None:
        """Create an object; raise Conflict if it exists already."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; keys that don't exist are ignored."""

    def children(self, prefix: str, limit: int) -> set[str] | None:
        """Return the names between `prefix` and the next slash, or None if there are more than `limit`."""

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every object whose key begins with `prefix`."""
