"""What the index needs of an object store: strongly consistent reads and conditional writes."""

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol


class NotModified(Enum):
    """The type of :data:`NOT_MODIFIED`."""

    ANSWER = "not modified"


NOT_MODIFIED: Final = NotModified.ANSWER
"""The answer to a conditional read of an object that is still the one the caller has."""


Data = bytes | mmap.mmap
"""The bytes of an object to be written: a large one's may lie in a mapped file."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was read: its bytes and the tag that changes with them."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it.

    Attributes
    ----------
    key : str
        Its whole key.
    bytes : int
        Its size.
    modified : float
        When it was written, in seconds since 1970 UTC by the store's clock.
    """

    key: str
    bytes: int
    modified: float


class ObjectStore(Protocol):
    """One bucket.

    Every method raises :class:`~glimpse.index.errors.StoreUnavailable` when the store does not answer (a
    write may have happened then), and :class:`~glimpse.index.errors.StoreError` when it refuses.
    """

    def get(self, key: str) -> StoredObject | None:
        """Return an object, or None if there is none."""

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        """Return an object unless it still has the tag `etag`."""

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        """Return up to `length` bytes of an object from `start` on, or None if there is no object."""

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        """Replace the object that has the tag `etag`; Conflict if it has another or is gone."""

    def put_if_none_match(self, key: str, data: Data) -> None:
        """Write an object where there is none; Conflict if there is one."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, whether they exist or not."""

    def children(self, prefix: str, limit: int) -> set[str] | None:
        """Return the names that stand between `prefix` and the next slash, or None if they exceed `limit`."""

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every object whose key begins with `prefix`."""
