"""An emulator of its own, that can be killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from local import credentials
from local.emulator.launcher import Emulator
from local.gate.gate import SECRET_HEADER
from local.machine import machine_endpoint
from local.processes import ProcessRecord
from local.settings import LocalSettings
from tests.ports import free_ports

BUCKET = "photographs"
QUEUE = "uploads"


class Machine:
    """An emulator that can be killed."""

    def __init__(self, home: Path) -> None:
        [port] = free_ports(1)
        self.settings = replace(LocalSettings.from_environment({}), home=home, emulator_port=port)
        self.start()

    def start(self) -> None:
        self.emulator = Emulator(self.settings)
        self.emulator.start()

    def kill(self) -> None:
        record = ProcessRecord.read(self.settings.home / "emulator.json")
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        self.emulator.stop()

    def client(self, service: str) -> Any:
        return machine_endpoint(self.settings).client(service)

    def messages(self) -> int:
        """How many messages wait in the queue."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        name = "ApproximateNumberOfMessages"
        return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])

    @property
    def folder(self) -> Path:
        """Where the emulator's state is."""
        return self.settings.home / "emulator"

    def acknowledges(self) -> bool:
        """Whether a client is answered that asks for nothing: if all is saved that was changed before."""
        address = f"{self.settings.endpoint}/_aws/execute-api/none/$default/"
        secret = {SECRET_HEADER: credentials.of(self.settings.home).gateway_secret}
        return httpx.post(address, headers=secret, timeout=30, trust_env=False).status_code != 503

    @contextmanager
    def unsaved(self) -> Iterator[Callable[[], None]]:
        """Keep the state from being saved; what this gives has it saved once."""
        obstacle = self.folder / "state.written"
        for _ in range(100):
            with suppress(FileExistsError):  # it is being saved at this moment
                obstacle.mkdir()
                break
            time.sleep(0.01)

        def save() -> None:
            obstacle.rmdir()
            assert self.acknowledges()
            obstacle.mkdir()

        yield save
        obstacle.rmdir()
