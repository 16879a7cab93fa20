"""The release of MiniStack that :mod:`local.emulator.ministack` was written for. Cheap to import."""

from __future__ import annotations

from importlib import metadata

from deployment.errors import UserError

VERSION = "1.5.33"
"""The version pinned in `pyproject.toml`. Another release may have changed what is patched or read there."""


def require_version() -> None:
    """Check that the installed MiniStack is the release that the emulator was written for.

    Raises
    ------
    UserError
        If it is another release, or is not installed.
    """
    try:
        installed = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        installed = None
    if installed != VERSION:
        found = "MiniStack is not installed" if installed is None else f"MiniStack {installed} is installed"
        raise UserError(
            f"{found}, but the emulator needs exactly {VERSION}; run `make install`, or"
            f" `.venv/bin/python -m pip install ministack=={VERSION}`."
        )
