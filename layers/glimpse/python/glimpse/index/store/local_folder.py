"""An object store in a local folder: an index without AWS.

Every object is a file, and its key is the file's path. A conditional write holds a lock (``flock``) while it
checks the existing file and renames the new one. Readers take no lock, because a rename is atomic. A write
returns once the object and its name are on disk.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from glimpse.index.errors import PreconditionFailed, StoreError, StoreUnavailable
from glimpse.index.store.object_store import NOT_MODIFIED, Data, Listed, NotModified, StoredObject

_LOCK = ".lock"
_INCOMING = ".incoming"
_LEFT_OVER_SECONDS = 24 * 3600.0
"""No write takes this long, so the writer of an older file in ``.incoming`` was killed."""

_KEY = re.compile(r"[^./\0][^/\0]*(/[^./\0][^/\0]*)*")
_NO_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""Errors that mean that a key has no object: its path is absent, is a directory, or leads through a file."""

_LASTING = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}
)
"""Errors that a retry would meet again."""


class LocalFolderStore:
    """An :class:`~glimpse.index.store.object_store.ObjectStore` in a folder.

    It is safe for concurrent threads and processes on one machine. Its limits: it needs Unix. The folder must
    be on a local disk, since a network file system may not honour the lock or may return stale files. A key
    can't be below another one (``a/b`` below ``a``), and no part of a key may begin with a dot. On a
    case-insensitive file system, keys must differ by more than case.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.

    Raises
    ------
    StoreError
        If the folder can't be created or written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._lock = self._folder / _LOCK
        self._incoming = self._folder / _INCOMING
        with _translated(str(folder)):
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._lock.touch()
            self._clear_left_overs()

    def get(self, key: str) -> StoredObject | None:
        """Return an object, or None if there is none."""
        data = self._read(key)
        return None if data is None else StoredObject(data, _etag(data))

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        """Return an object, ``NOT_MODIFIED`` if its ETag is still `etag`, or None if there is none."""
        stored = self.get(key)
        return NOT_MODIFIED if stored and stored.etag == etag else stored

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        """Return up to `length` bytes of an object, starting at `start`, or None if there is no object."""
        return self._read(key, start, length)

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        """Replace an object if its ETag is `etag`; raise Conflict if it has changed or is gone."""
        with self._written(key, data) as written, self._locked(fcntl.LOCK_EX):
            now = self._read(key)
            if now is None:
                raise PreconditionFailed(f"{key} is gone")
            if _etag(now) != etag:
                raise PreconditionFailed(f"{key} was changed by another writer")
            self._name(written, key)

    def put_if_none_match(self, key: str, data: Data) -> None:
        """Create an object; raise Conflict if it exists already."""
        with self._written(key, data) as written, self._locked(fcntl.LOCK_EX):
            if self._path(key).is_file():
                raise PreconditionFailed(f"{key} was written by another writer")
            self._name(written, key)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; keys that don't exist are ignored."""
        paths = [(key, self._path(key)) for key in keys]
        with self._locked(fcntl.LOCK_EX):
            for key, path in paths:
                with _translated(key):
                    with contextlib.suppress(*_NO_FILE):
                        path.unlink()
                    self._prune(path.parent)

    def children(self, prefix: str, limit: int) -> set[str] | None:
        """Return the names between `prefix` and the next slash, or None if there are more than `limit`."""
        start, _, beginning = prefix.rpartition("/")
        with self._locked(fcntl.LOCK_SH), _translated(prefix):
            try:
                folders = [entry.name for entry in os.scandir(self._below(start)) if entry.is_dir()]
            except _NO_FILE:
                return set()
        names = {
            name.removeprefix(beginning)
            for name in folders
            if name.startswith(beginning) and not name.startswith(".")
        }
        return names if len(names) <= limit else None

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every object whose key begins with `prefix`."""
        start = prefix.rpartition("/")[0]
        found: list[Listed] = []
        with self._locked(fcntl.LOCK_SH), _translated(prefix):
            for folder, names, files in os.walk(self._below(start), onerror=_raise):
                names[:] = [name for name in names if not name.startswith(".")]
                for path in (Path(folder) / name for name in files if not name.startswith(".")):
                    status = path.stat()
                    key = path.relative_to(self._folder).as_posix()
                    found.append(Listed(key, status.st_size, status.st_mtime))
        yield from sorted((item for item in found if item.key.startswith(prefix)), key=lambda item: item.key)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise StoreError(f"{key!r} can't be the key of an object in a folder")
        return self._folder / key

    def _below(self, prefix: str) -> Path:
        return self._path(prefix) if prefix else self._folder

    def _read(self, key: str, start: int = 0, length: int = -1) -> bytes | None:
        path = self._path(key)
        with _translated(key):
            try:
                with path.open("rb") as file:
                    file.seek(start)
                    return file.read(length)
            except _NO_FILE:
                if not self._lock.exists():  # an unmounted disk must not look like an empty store
                    raise StoreError(f"the folder {self._folder} is gone") from None
                return None

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Hold the lock. Each holder opens the file itself, so the lock excludes other threads too."""
        with contextlib.ExitStack() as stack:
            with _translated(_LOCK):
                handle = os.open(self._lock, os.O_RDWR)
                stack.callback(os.close, handle)  # also releases the lock
                fcntl.flock(handle, kind)
            yield

    @contextmanager
    def _written(self, key: str, data: Data) -> Iterator[Path]:
        """Provide a temporary file that holds the data, already synced to disk."""
        self._path(key)
        with contextlib.ExitStack() as stack:
            with _translated(key):
                handle, name = tempfile.mkstemp(dir=self._incoming)
                stack.callback(Path(name).unlink, missing_ok=True)
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(handle)
            yield Path(name)

    def _name(self, written: Path, key: str) -> None:
        """Rename a written file to its key, and sync the rename to disk."""
        path = self._path(key)
        with _translated(key):
            made = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            written.replace(path)
            for folder in {path.parent, *(each.parent for each in made)}:
                _sync(folder)

    def _prune(self, folder: Path) -> None:
        """Remove empty folders upwards, since a prefix disappears with its last object."""
        while folder != self._folder:
            try:
                folder.rmdir()
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    return
                if error.errno != errno.ENOENT:
                    raise
            folder = folder.parent

    def _clear_left_overs(self) -> None:
        for path in self._incoming.iterdir():
            with contextlib.suppress(FileNotFoundError):  # its writer has just renamed it
                if time.time() - path.stat().st_mtime > _LEFT_OVER_SECONDS:
                    path.unlink()


def _etag(data: bytes) -> str:
    # Content-based, as on S3: equal bytes have equal ETags. A time or an inode number could repeat.
    return f'"{hashlib.sha256(data).hexdigest()}"'


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _raise(error: OSError) -> None:
    if not isinstance(error, _NO_FILE):
        raise error


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Translate OSErrors into the index's errors."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) or error.errno in _LASTING:
            raise StoreError(f"the folder refused {key}: {error}") from error
        raise StoreUnavailable(f"the folder failed at {key}: {error}") from error
