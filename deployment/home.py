"""The home folder (``GLIMPSE_HOME``): what lies in it, and whether it can be used."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from deployment.errors import UserError

MIN_FREE_BYTES = 500_000_000
"""A deployment, the emulator's copies of it and a sample gallery fit into this."""

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
"""What a run keeps in the home folder; ``make reset`` deletes it in this order, the lock last."""

_KEPT = ("migrations", "models")
"""What the command keeps there, and ``make reset`` leaves."""


def prepare_home(home: Path) -> None:
    """Create the folder of all state, for its owner's eyes alone, and see that it can be written.

    One that holds other things, too, keeps its mode; what is in it of passwords' hashes and photographs has a
    folder of its own (:class:`local.emulator.launcher.Emulator`).

    Raises
    ------
    UserError
        If it can't be created or written, or the disk is full.
    """
    probe = home / ".probe"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if {path.name for path in home.iterdir()} <= {*STATE, *_KEPT} and home.stat().st_uid == os.getuid():
            home.chmod(0o700)  # an earlier version made it readable for all
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = shutil.disk_usage(home).free
    except OSError as error:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
        raise UserError(explain(error, home)) from error
    if free < MIN_FREE_BYTES:
        raise UserError(
            f"The disk with {home} has {free // 10**6} MB left, and {MIN_FREE_BYTES // 10**6} MB are needed;"
            " make room, or set GLIMPSE_HOME to a folder on another disk."
        )


def explain(error: OSError, path: Path) -> str:
    """Say in one sentence what an operating system error about ``path`` means."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk with {path} is full; make room, or set GLIMPSE_HOME to another disk."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{path} can't be written; allow it, or set GLIMPSE_HOME to another folder."
        case errno.ENOTDIR | errno.EEXIST:
            return f"{path} is not a folder; set GLIMPSE_HOME to one."
        case _:
            return f"{path} can't be used ({error.strerror}); set GLIMPSE_HOME to another folder."
