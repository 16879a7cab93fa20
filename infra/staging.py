"""Content-addressed folders under ``build/``, so that existing content need not be built again."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def stage(name: Path, fill: Callable[[Path], None], *, digest: str | None = None) -> Path:
    """Fill a folder that is named by its content and never changes once it has that name.

    So concurrent runs don't disturb each other, and an interrupted run leaves nothing that looks complete.

    Parameters
    ----------
    name
        The folder's path; the digest is appended.
    fill
        Writes the content into an empty folder.
    digest
        Identifies the content, if it is known in advance; an existing folder is then not filled again.

    Returns
    -------
    Path
        The folder, with its digest in its name.

    Raises
    ------
    RuntimeError
        If it can't be written.
    """
    name.parent.mkdir(parents=True, exist_ok=True)
    if digest is not None and (known := _named(name, digest)).exists():
        return known
    with tempfile.TemporaryDirectory(dir=name.parent, prefix=f".{name.name}-") as temporary:
        folder = Path(temporary) / "content"
        folder.mkdir()
        fill(folder)
        target = _named(name, digest or _digest(folder))
        # A concurrent run may be first, with the same content.
        with suppress(OSError):
            folder.rename(target)
    if not target.is_dir():
        raise RuntimeError(
            f"{target} could not be written; check that the disk is not full and the folder is writable"
        )
    _forget_old(name, keep=target)
    return target


def _named(name: Path, digest: str) -> Path:
    return name.with_name(f"{name.name}-{digest[:16]}")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()


def _forget_old(name: Path, *, keep: Path) -> None:
    hour_ago = time.time() - 3600
    for other in name.parent.glob(f"{name.name}-*"):
        if other != keep and other.stat().st_mtime < hour_ago:
            shutil.rmtree(other, ignore_errors=True)
