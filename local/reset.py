"""``make reset``: forget everything that runs on this machine have stored."""

from __future__ import annotations

import shutil
import sys

from deployment.errors import UserError
from deployment.home import STATE, explain
from local.emulator.launcher import end_stale
from local.lock import HomeLock
from local.settings import LocalSettings


def reset(settings: LocalSettings) -> None:
    """Delete the state under the home folder; at a terminal, ask before.

    Raises
    ------
    UserError
        If a run still uses it, or it can't be deleted.
    """
    home = settings.home
    if not home.exists():
        print(f"Nothing to forget: {home} doesn't exist.")
        return
    with HomeLock(home):
        if not _is_meant(settings):
            print("Nothing was deleted.")
            return
        end_stale(home)
        try:
            for name in STATE:  # and nothing else: GLIMPSE_HOME may be a folder that holds other things, too
                if (home / name).is_dir():
                    shutil.rmtree(home / name)
                else:
                    (home / name).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(explain(error, home)) from error
    if not any(home.iterdir()):
        home.rmdir()
    print(
        "Forgotten: accounts, photographs and indexes on this machine; installed models stay. The next"
        " `make run` starts anew."
    )


def _is_meant(settings: LocalSettings) -> bool:
    """Ask whoever sits at the terminal; a script has nobody to ask, and means it."""
    if not sys.stdin.isatty():
        return True
    what = f"all accounts, photographs and indexes in {settings.home}"
    try:
        return input(f"Delete {what}? They can't be had back. [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        print()
        return False
