"""``make reset``: delete everything that runs on this machine have stored."""

from __future__ import annotations

import shutil
import sys

from deployment.errors import UserError
from deployment.home import STATE, explain
from local.emulator.launcher import end_stale
from local.lock import HomeLock
from local.settings import LocalSettings


def reset(settings: LocalSettings) -> None:
    """Delete the state in the home folder; ask first at a terminal.

    Raises
    ------
    UserError
        If a run is still using it, or it can't be deleted.
    """
    home = settings.home
    if not home.exists():
        print(f"Nothing to delete: {home} doesn't exist.")
        return
    with HomeLock(home):
        if not _is_confirmed(settings):
            print("Nothing was deleted.")
            return
        end_stale(home)
        try:
            for name in STATE:  # and nothing else: the folder that GLIMPSE_HOME names may hold other things
                if (home / name).is_dir():
                    shutil.rmtree(home / name)
                else:
                    (home / name).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(explain(error, home)) from error
    if not any(home.iterdir()):
        home.rmdir()
    print(
        "Deleted all accounts, photographs and indexes on this machine; installed models are kept. The next"
        " `make run` starts from scratch."
    )


def _is_confirmed(settings: LocalSettings) -> bool:
    """Ask for confirmation at a terminal; a script is not asked."""
    if not sys.stdin.isatty():
        return True
    what = f"all accounts, photographs and indexes in {settings.home}"
    try:
        return input(f"Delete {what}? This can't be undone. [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        print()
        return False
