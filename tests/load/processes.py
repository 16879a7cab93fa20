"""A stack's processes: what they take, and ending them without notice."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from local.processes import ProcessRecord
from tests.e2e.stack import Stack

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Processes:
    """The processes of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._mark = f"{stack.settings.home}/emulator/tmp/ministack-lambda-"

    def emulator(self) -> int | None:
        """The emulator's number, if it runs."""
        record = ProcessRecord.read(self._stack.settings.home / "emulator.json")
        return record.pid if record is not None and record.is_running() else None

    def workers(self) -> list[int]:
        """The Lambda workers."""
        found = []
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                if folder.name.isdigit() and self._mark in (folder / "cmdline").read_text():
                    found.append(int(folder.name))
        return found

    def megabytes(self) -> Iterator[tuple[str, int]]:
        """Each process by what it is, and what it takes: a worker by its function."""
        for pid in self.workers():
            with suppress(OSError):
                command = (Path("/proc") / str(pid) / "cmdline").read_text()
                function = command.partition("ministack-lambda-Glimpse-")[2].partition("Zip")[0]
                yield function, _resident(pid) // 10**6
        if emulator := self.emulator():
            yield "emulator", _resident(emulator) // 10**6
        yield "run", _resident(self._stack.process.pid) // 10**6

    def bytes(self) -> int:
        """The resident memory of all of them; what they share counts for each."""
        emulator = self.emulator()
        everything = [self._stack.process.pid, *self.workers(), *([] if emulator is None else [emulator])]
        return sum(map(_resident, everything))

    def kill_worker(self, chance: random.Random) -> bool:
        """End a worker without notice; False if there is none."""
        workers = self.workers()
        if workers:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(chance.choice(workers), signal.SIGKILL)
        return bool(workers)

    def kill_emulator(self) -> None:
        """End the emulator without notice; `make run` ends by itself then, and says why."""
        emulator = self.emulator()
        assert emulator is not None
        os.kill(emulator, signal.SIGKILL)
        assert self._stack.process.wait(timeout=30) == 1


class Scales:
    """Weighs a stack's processes all the time."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._weigh)
        self.most_bytes = 0
        self.most_megabytes: Counter[str] = Counter()
        self.most_workers = 0

    def __enter__(self) -> "Scales":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _weigh(self) -> None:
        while not self._stop.wait(0.5):
            self.most_bytes = max(self.most_bytes, self._processes.bytes())
            for name, megabytes in self._processes.megabytes():
                self.most_megabytes[name] = max(self.most_megabytes[name], megabytes)
            self.most_workers = max(self.most_workers, len(self._processes.workers()))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def wait_until(deadline: float, stop: threading.Event) -> bool:
    """Wait until a moment of the monotonic clock; False if `stop` is set before."""
    return not stop.wait(max(0.0, deadline - time.monotonic()))
