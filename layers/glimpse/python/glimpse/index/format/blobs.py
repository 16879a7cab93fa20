"""Assembles objects for writing, with the digest that a manifest records."""

import hashlib
import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from glimpse.index.format.container import Buffer
from glimpse.index.store.object_store import Data

_IN_MEMORY_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes of an object, in memory or in a memory-mapped file.

    Attributes
    ----------
    data : bytes or mmap
        The bytes.
    sha256 : str
        Their SHA-256, in hex.
    """

    data: Data
    sha256: str


@contextmanager
def collected(pieces: Iterable[Buffer]) -> Iterator[Blob]:
    """Assemble an object from its pieces. A large one is kept in an unlinked file while the context is open.

    Raises
    ------
    OSError
        If the disk is full.
    """
    digest = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        size = file.tell()
        if size <= _IN_MEMORY_BYTES:
            file.seek(0)
            yield Blob(file.read(), digest.hexdigest())
            return
        file.flush()
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
            yield Blob(mapped, digest.hexdigest())
