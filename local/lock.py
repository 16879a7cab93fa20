"""At most one run per home folder."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from deployment.errors import UserError
from local.processes import ProcessRecord

_STOP_SECONDS = 15
"""A run that is stopping takes 10 seconds at most."""


class HomeLock:
    """The lock that a run holds on its home folder; it is released when the process ends, however it ends.

    Parameters
    ----------
    home
        The folder.
    parent
        The process that the run stops with, if any.
    """

    def __init__(self, home: Path, parent: ProcessRecord | None = None) -> None:
        self._path = home / "lock"
        self._parent = parent
        self._file: IO[str] | None = None

    def __enter__(self) -> HomeLock:
        """Take the lock; wait for a run that is about to end.

        Raises
        ------
        UserError
            If a run holds it and keeps running.
        """
        file = self._path.open("a+")
        deadline = time.monotonic() + _STOP_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder, ending = _holder(file)
                if not ending or time.monotonic() > deadline:
                    file.close()
                    raise UserError(
                        f"Glimpse is already running from {self._path.parent}; stop it with Ctrl-C in its"
                        f" terminal, or with `kill {holder}`."
                    ) from None
                time.sleep(0.1)
        self._file = file
        self._describe(stopping=False)
        return self

    def stopping(self) -> None:
        """Tell processes that wait for the lock that this run is about to end."""
        self._describe(stopping=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        if self._file is not None:
            self._file.close()

    def _describe(self, *, stopping: bool) -> None:
        if self._file is None:
            return
        parent = [self._parent.pid, self._parent.started] if self._parent else None
        self._file.truncate(0)
        self._file.write(json.dumps({"pid": os.getpid(), "parent": parent, "stopping": stopping}))
        self._file.flush()


def _holder(file: IO[str]) -> tuple[int, bool]:
    """Return the process that holds the lock, and whether it is about to end."""
    file.seek(0)
    try:
        text = json.loads(file.read())
        parent = ProcessRecord(*text["parent"]) if text["parent"] else None
        return int(text["pid"]), text["stopping"] or (parent is not None and not parent.is_running())
    except (ValueError, KeyError, TypeError):
        return 0, True  # it is being written right now
