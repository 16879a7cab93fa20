"""The home folder (``GLIMPSE_HOME``): what it contains, and whether it can be used."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from deployment.errors import UserError

MIN_FREE_BYTES = 500_000_000
"""Enough for a deployment, the emulator's copies of it and the sample gallery."""

CREDENTIALS = "credentials.json"
"""The secrets of the deployment on this machine."""

STATE = (
    "cdk.log",
    "cdk.out",
    CREDENTIALS,
    "deployed.json",
    "emulator",
    "emulator.json",
    "model.json",
    "seeded.json",
    "lock",
)
"""A run's state in the home folder; ``make reset`` deletes it in this order, the lock last."""

_KEPT = ("migrations", "models")
"""What the ``glimpse`` command stores there; ``make reset`` keeps it."""


def prepare_home(home: Path) -> None:
    """Create the folder of all state, readable only by its owner, and check that it can be written.

    A folder that also holds other things keeps its mode. The password hashes and photographs lie in a private
    subfolder in any case (:class:`local.emulator.launcher.Emulator`).

    Raises
    ------
    UserError
        If it can't be created or written, or the disk is full.
    """
    probe = home / ".probe"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if {path.name for path in home.iterdir()} <= {*STATE, *_KEPT} and home.stat().st_uid == os.getuid():
            home.chmod(0o700)  # an earlier version made it world-readable
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = shutil.disk_usage(home).free
    except OSError as error:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
        raise UserError(explain(error, home)) from error
    if free < MIN_FREE_BYTES:
        raise UserError(
            f"The disk that holds {home} has {free // 10**6} MB left, but {MIN_FREE_BYTES // 10**6} MB are"
            " needed; free some space, or set GLIMPSE_HOME to a folder on another disk."
        )


def explain(error: OSError, path: Path) -> str:
    """Explain an operating system error about ``path`` in one sentence."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return (
                f"The disk that holds {path} is full; free some space, or set GLIMPSE_HOME to a folder on"
                " another disk."
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{path} can't be written; change its permissions, or set GLIMPSE_HOME to another folder."
        case errno.ENOTDIR | errno.EEXIST:
            return f"{path} is not a folder; set GLIMPSE_HOME to a folder."
        case _:
            return f"{path} can't be used ({error.strerror}); set GLIMPSE_HOME to another folder."
