"""Fetches a model's files from a hub, with the hub's own client.

The client resumes a broken connection where it broke, and keeps complete files in its cache (``HF_HOME``), so
that an installation that was stopped doesn't fetch them again. Of what comes by plain HTTP it checks the size
only; the checksums that the hub states are checked here.
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
"""Called with the number of further bytes that have arrived; negative if some are to be fetched again."""


def fetch(model: Model, remote: Remote, folder: Path, advance: Advance) -> None:
    """Fetch a model's files, check them, and put them into a folder.

    Parameters
    ----------
    model, remote
        The model, and where it is.
    folder
        Is made a bundle; shares the cache's bytes where it is on the same disk.
    advance
        For a progress bar.

    Raises
    ------
    UserError
        If the connection breaks off, a file isn't what the hub says it is, or a disk is full.
    """
    client_log.set_verbosity(logging.ERROR)  # what it says about retries, the progress bar shows
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
            cached.resolve().unlink()  # else the cache would answer with it for ever
            cached.unlink(missing_ok=True)
            raise UserError(
                f"{file.path} of {remote.repository} doesn't have the checksum that the hub states; it was"
                " thrown away, and installing again fetches it anew."
            )
        _place(cached, folder / file.path)


def cache_folder() -> Path:
    """Return the folder that the client keeps complete files in."""
    return Path(constants.HF_HUB_CACHE)


def cached_bytes(remote: Remote) -> int:
    """Return how much of a model is in the cache already."""
    return sum(
        file.size
        for file in remote.files
        if isinstance(try_to_load_from_cache(remote.repository, file.path, revision=remote.commit), str)
    )


def from_cache(model: Model, folder: Path) -> bool:
    """Put a model that was fetched before into a folder, without the hub; tell whether there is one."""
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
    """Compute what the hub states about a file: SHA-256 of a large one, git's object id of another."""
    digest = hashlib.sha256()
    if file.lfs is None:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _place(cached: Path, target: Path) -> None:
    """Put a file of the cache into a folder: a second name of the same bytes, or a copy on another disk."""
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
    """Make the class that the client tells of its progress: what it calls of a tqdm."""

    class Bar:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            self.update(initial)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is shown here, so there is nothing to close."""

        def update(self, count: float | None = 1) -> None:
            if count:
                advance(int(count))

        def ignore(self, *_: object, **__: object) -> None:
            """Leave out what concerns the look of a bar."""

        close = set_postfix_str = set_transfer_postfix_str = update_transfer = ignore

    return Bar
