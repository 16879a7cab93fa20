"""A whole stack of its own: `make run`'s process with its own home, ports and emulator."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from deployment.settings import ROOT
from local import credentials
from local.machine import machine_endpoint, stack_outputs
from local.settings import LocalSettings
from tests.ports import free_ports

START_SECONDS = 300
STOP_SECONDS = 10
"""What `make run` promises for Ctrl-C and SIGTERM."""


class Stack:
    """A running stack; ``start`` and ``stop`` may be repeated, with the state kept between."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        api, search, web, emulator, other_web = free_ports(5)
        self.other_web_port = other_web  # for a second page, which storage takes for the first one's equal
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "GLIMPSE_HOME": str(folder / "home"),
            "API_PORT": str(api),
            "SEARCH_PORT": str(search),
            "WEB_PORT": str(web),
            "EMULATOR_PORT": str(emulator),
            "GLIMPSE_MODEL": "demo",  # tests need no hub
            "PYTHONUNBUFFERED": "1",
            "GLIMPSE_ALLOWED_ORIGINS": f"http://localhost:{other_web}",
            **(environment or {}),
        }
        self.settings = LocalSettings.from_environment(self.environment)
        self.api_url = f"http://localhost:{api}"
        self.search_url = f"http://localhost:{search}"
        self.web_url = f"http://localhost:{web}"
        self.log = folder / "run.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the stack has not been started"
        return self._process

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local", "run"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while "Glimpse is ready" not in self.output():
            ended = self._process.poll() is not None
            assert not ended, f"`make run` ended:\n{self.output()}"
            assert time.monotonic() < deadline, f"`make run` did not become ready:\n{self.output()}"
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it as promised, and give the seconds that it took; a process that doesn't obey is killed."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=STOP_SECONDS + 5)
        finally:
            self.kill()
        return time.monotonic() - began

    def kill(self) -> None:
        """End it without notice, as a crash does; the emulator then ends by itself."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def output(self) -> str:
        return self.log.read_text()

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator, with the operator's credentials."""
        return machine_endpoint(self.settings).client(service)

    @property
    def gateway_secret(self) -> str:
        """What the emulator's gate wants to see of a forwarder."""
        return credentials.of(self.settings.home).gateway_secret

    @property
    def outputs(self) -> dict[str, str]:
        found = stack_outputs(self.settings)
        assert found is not None
        return found

    def set_visibility_timeout(self, seconds: int) -> None:
        """Have messages of a worker that was killed come again soon; in AWS it takes 12 minutes."""
        for queue in ("UploadQueueUrl", "MaintenanceQueueUrl", "UpkeepQueueUrl"):
            self.client("sqs").set_queue_attributes(
                QueueUrl=self.outputs[queue], Attributes={"VisibilityTimeout": str(seconds)}
            )


class User:
    """An account, logged in, and what the tests do with it."""

    def __init__(self, stack: Stack, username: str) -> None:
        self.http = httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False)
        credentials = {"username": username, "password": "test123"}
        registered = self.http.post("/api/users/register", json=credentials)
        assert registered.status_code in {200, 409}, registered.text
        self.token: str = self.http.post("/api/users/login", json=credentials).json()["token"]
        self.http.headers["authorization"] = f"Bearer {self.token}"

    def upload(self, folder: str, *photographs: Path) -> dict[str, Any]:
        """Upload files by the multipart route and give its answer."""
        files = [("files", (path.name, path.read_bytes())) for path in photographs]
        answer = self.http.post("/api/images/upload", data={"folderName": folder}, files=files)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def finished(self, job_id: int, *, timeout: float = 120) -> dict[str, Any]:
        """Wait for a job and give its last status."""
        deadline = time.monotonic() + timeout
        while True:
            status = dict(self.http.get(f"/api/images/job-status/{job_id}").json())
            if status["status"] in {"COMPLETED", "FAILED"}:
                return status
            assert time.monotonic() < deadline, f"the job is not finished: {status}"
            time.sleep(0.1)

    def search(self, query: str, **parameters: str | int) -> list[dict[str, Any]]:
        """Search and give the results."""
        answer = self.http.get("/api/images/search", params={"query": query, **parameters})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["results"])


def glimpse(stack: Stack, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command against a stack."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        env={**stack.environment, **more},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
