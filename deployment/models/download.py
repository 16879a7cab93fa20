"""Download a model's files from a hub, with the hub's own client.

The client resumes a broken connection where it broke. It keeps complete files in its cache (``HF_HOME``), so
that an installation that was stopped doesn't download them again. Of files over plain HTTP it checks only the
size; their checksums, as stated by the hub, are checked here.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import constants, hf_hub_download, scan_cache_dir, try_to_load_from_cache
from huggingface_hub.errors import CacheNotFound
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import logging as client_log

from deployment.errors import UserError
from deployment.models.catalogue import Model
from deployment.models.hub import REQUIRED, Remote, explained, is_used

Advance = Callable[[int], None]
"""Called with the number of bytes since the last call; negative if some must be downloaded again."""


def fetch(model: Model, remote: Remote, folder: Path, advance: Advance) -> None:
    """Download a model's files, check them, and put them into a folder.

    Parameters
    ----------
    model, remote
        The model, and its files on the hub.
    folder
        Becomes the bundle. Its files are hard links into the cache if both are on the same disk.
    advance
        Updates a progress bar.

    Raises
    ------
    UserError
        If the connection breaks off, a file doesn't match its checksum, or a disk is full.
    """
    client_log.set_verbosity(logging.ERROR)  # the progress bar already shows what it logs about retries
    for file in remote.files:
        arrived = _Arrived(advance)
        with explained(model):
            cached = Path(
                hf_hub_download(
                    remote.repository, file.path, revision=remote.commit, tqdm_class=_bar(arrived)
                )
            )
        advance(file.size - arrived.count)  # all of it, if the cache had it
        if _checksum(cached, file) != _stated(file):
            cached.resolve().unlink()  # else the cache would return it for ever
            cached.unlink(missing_ok=True)
            raise UserError(
                f"{file.path} of {remote.repository} doesn't match the checksum that the hub states, and was"
                " deleted; install the model again to download it again."
            )
        _place(cached, folder / file.path)


def cache_folder() -> Path:
    """Return the folder in which the client keeps complete files."""
    return Path(constants.HF_HUB_CACHE)


def cached_bytes(remote: Remote) -> int:
    """Return how many bytes of a model are already in the cache."""
    return sum(
        file.size
        for file in remote.files
        if isinstance(try_to_load_from_cache(remote.repository, file.path, revision=remote.commit), str)
    )


def from_cache(model: Model, folder: Path) -> bool:
    """Put a model from the cache into a folder, without the hub; return whether the cache has it."""
    try:
        repositories = [repo for repo in scan_cache_dir().repos if repo.repo_id in model.repositories]
    except CacheNotFound:
        return False
    revisions = [revision for repository in repositories for revision in repository.revisions]
    for revision in sorted(revisions, key=lambda each: each.last_modified, reverse=True):
        files = {
            file.file_path.relative_to(revision.snapshot_path).as_posix(): file.file_path
            for file in revision.files
        }
        if all(name in files for name in REQUIRED):
            for name in filter(is_used, files):
                _place(files[name], folder / name)
            return True
    return False


def _stated(file: RepoFile) -> str:
    return file.lfs.sha256 if file.lfs is not None else file.blob_id


def _checksum(path: Path, file: RepoFile) -> str:
    """Compute a file's checksum as the hub states it: SHA-256 for large files, git's blob id for others."""
    digest = hashlib.sha256()
    if file.lfs is None:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _place(cached: Path, target: Path) -> None:
    """Put a cached file into a folder: as a hard link, or as a copy if it is on another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(cached.resolve(), target)
    except OSError:
        shutil.copyfile(cached, target)


class _Arrived:
    """Counts the bytes of one file on their way to the progress bar."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self.count = 0

    def __call__(self, count: int) -> None:
        self.count += count
        self._advance(count)


def _bar(advance: Advance) -> type:
    """Create the class that the client reports progress to: the part of tqdm's interface that it calls."""

    class Bar:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            self.update(initial)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            """Do nothing: nothing is displayed here, so there is nothing to close."""

        def update(self, count: float | None = 1) -> None:
            if count:
                advance(int(count))

        def ignore(self, *_: object, **__: object) -> None:
            """Ignore calls that change how a bar looks."""

        close = set_postfix_str = set_transfer_postfix_str = update_transfer = ignore

    return Bar
