"""Recognise and end our own processes, including those that a killed run left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_PROC = Path("/proc")
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process, identified by its id and start time, because the system reuses ids.

    Attributes
    ----------
    pid
        Its process id.
    started
        Its start time as the system reports it; empty if it had already ended.
    """

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> ProcessRecord:
        """Describe a running process."""
        return cls(pid, _started(pid))

    @classmethod
    def read(cls, path: Path) -> ProcessRecord | None:
        """Read a record; None if there is none, or if a crash left it incomplete."""
        try:
            return cls(**json.loads(path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Store the record."""
        path.write_text(json.dumps(asdict(self)))

    def is_running(self) -> bool:
        """Tell whether this same process is still running."""
        return bool(self.started) and _started(self.pid) == self.started


def end_group(leader: ProcessRecord, *, grace_seconds: float) -> None:
    """End a process group's leader, and the Lambda workers in the group that outlive it.

    The leader gets SIGTERM and, after ``grace_seconds``, SIGKILL. If it has already ended, another process
    may have its id by now, so only its former workers are signalled.
    """
    if leader.is_running():
        _signal(leader.pid, signal.SIGTERM)
        if not _ended(leader, grace_seconds):
            _signal(leader.pid, signal.SIGKILL)
            _ended(leader, 2)
    workers = [ProcessRecord.of(pid) for pid in _workers(leader.pid)]
    for worker in workers:
        _signal(worker.pid, signal.SIGKILL)
    for worker in workers:
        _ended(worker, 2)


def _ended(process: ProcessRecord, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.is_running():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _workers(group: int) -> list[int]:
    """List the Lambda workers in an emulator's process group; the path of their script identifies them."""
    return [pid for pid, pgid, command in _processes() if pgid == group and "ministack-lambda-" in command]


def _started(pid: int) -> str:
    if _PROC.is_dir():
        fields = _stat(pid)
        # A zombie has ended; its parent just has not reaped it yet.
        return "" if not fields or fields[0] == "Z" else fields[19]
    state, _, started = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _processes() -> Iterator[tuple[int, int, str]]:
    """Yield the id, group and command line of every process."""
    if not _PROC.is_dir():
        for line in _ps("-A", "-o", "pid=,pgid=,command=").splitlines():
            pid, pgid, command = line.split(None, 2)
            yield int(pid), int(pgid), command
        return
    for folder in _PROC.iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            with suppress(OSError):  # it has ended in the meantime
                yield int(folder.name), int(fields[2]), (folder / "cmdline").read_text().replace("\0", " ")


def _stat(pid: int) -> list[str]:
    """Return the fields of proc(5)'s stat from the third (state) on; empty if there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the second field, a name in parentheses, may hold anything


def _ps(*arguments: str) -> str:
    result = subprocess.run(  # noqa: S603 - fixed arguments
        ["/bin/ps", *arguments], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    return result.stdout


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has already ended
        os.kill(pid, number)
