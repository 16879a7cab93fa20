"""The release of MiniStack that :mod:`local.emulator.ministack` was written for; importing this is cheap."""

from __future__ import annotations

from importlib import metadata

from deployment.errors import UserError

VERSION = "1.5.33"
"""As `pyproject.toml` pins it. Another release may have changed what is patched and read there."""


def require_version() -> None:
    """See that the installed MiniStack is the one that the emulator was written for.

    Raises
    ------
    UserError
        If it is another one, or none.
    """
    try:
        installed = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        installed = None
    if installed != VERSION:
        found = "MiniStack is not installed" if installed is None else f"MiniStack {installed} is installed"
        raise UserError(
            f"{found}, and the emulator needs exactly {VERSION}; `make install` brings it, or"
            f" `.venv/bin/python -m pip install ministack=={VERSION}`."
        )
