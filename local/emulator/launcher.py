"""Start and end the embedded emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx

from deployment.errors import UserError
from deployment.settings import ROOT
from local import credentials
from local.emulator import snapshot
from local.emulator.ministack_version import require_version
from local.processes import ProcessRecord, end_group
from local.settings import HOST, LocalSettings, region_of

_START_SECONDS = 60
_STOP_SECONDS = 6.0

_NAME = "localhost"
"""The host name in the URLs that the emulator returns, including those of queues."""

# What the emulator and its functions may need from this machine; a real account's variables stay out.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")


class Emulator:
    """The embedded emulator: a child process that leads its own process group.

    Parameters
    ----------
    settings
        Its port, and the home folder that holds its state.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._folder = settings.home / "emulator"
        self._log = self._folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with the state of its last run, and wait until it answers.

        Raises
        ------
        UserError
            If the version of MiniStack is not supported, or it ends or does not answer within a minute.
        """
        require_version()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)  # it holds password hashes; an earlier version made it world-readable
        temporary = self._folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # copies of the code that killed workers left behind
        temporary.mkdir(parents=True)
        credentials.ensure(self._settings.home)
        unpack(self._folder, self._settings.emulator_port)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.emulator.process"],
                cwd=ROOT,
                env=self._environment(temporary),
                stdin=subprocess.PIPE,  # closes when this process ends, which tells the emulator to stop
                stdout=log,
                stderr=subprocess.STDOUT,
                umask=0o077,
                start_new_session=True,  # Ctrl-C reaches only this process, which stops the emulator cleanly
            )
        ProcessRecord.of(self._process.pid).write(_record(self._settings.home))
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Let it save its state, then end it with everything that it started."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        record = ProcessRecord.of(process.pid)
        end_group(record, grace_seconds=_STOP_SECONDS)
        process.wait()
        _record(self._settings.home).unlink(missing_ok=True)

    def ended(self) -> str | None:
        """Return a message if it has ended unexpectedly, else None."""
        if self._process is None or self._process.poll() is None:
            return None
        return f"The emulator ended unexpectedly; see its log, {self._log}."

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                lines = self._log.read_text(errors="replace").strip().splitlines() or ["(nothing)"]
                raise UserError(f"The emulator did not start: {lines[-1]} (see its log, {self._log}).")
            if is_ready(self._settings.endpoint):
                return
            time.sleep(0.1)
        raise UserError(f"The emulator did not answer within a minute; see its log, {self._log}.")

    def _environment(self, temporary: Path) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        region = region_of()
        return {
            **inherited,
            # The emulator treats this key as root's; the gate rejects everything signed with it.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": token_hex(32),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CREDENTIALS": str(self._settings.home / credentials.FILE),
            "PAGE_ORIGINS": " ".join(sorted(self._settings.page_origins())),
            "TMPDIR": str(temporary),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self._settings.emulator_port),
            "MINISTACK_HOST": _NAME,
            "MINISTACK_REGION": region,
            "LOG_LEVEL": "WARNING",
            "AUTH": "true",  # each function runs with its own role, as in AWS
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._folder / "state"),
            "SNAPSHOT": str(self._folder / "state.json"),
            "UNDO": str(self._folder / "undo"),
            "WORKERS": str(self._settings.workers),
            "MALLOC_ARENA_MAX": "2",  # a worker has dozens of threads; glibc would keep memory for each
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._folder / "s3"),
            # These services would listen on additional ports, and on every interface.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }


def unpack(folder: Path, port: int) -> None:
    """Restore the state of the last run, however it ended, for the emulator to start with at `port`.

    Raises
    ------
    UserError
        If it is damaged.
    """
    snapshot.unpack(
        folder / "state.json",
        folder / "state",
        objects=folder / "s3",
        undone=folder / "undo",
        endpoint=f"http://{_NAME}:{port}",
    )


def is_ready(endpoint: str) -> bool:
    """Tell whether an emulator answers at the endpoint."""
    return health(endpoint) is not None


def health(endpoint: str) -> dict[str, Any] | None:
    """Ask a LocalStack-compatible emulator for its health; None if it does not answer."""
    try:
        answer = httpx.get(f"{endpoint}/_localstack/health", timeout=5, trust_env=False)
        return dict(answer.raise_for_status().json())
    except (httpx.HTTPError, ValueError):
        return None


def end_stale(home: Path) -> None:
    """End an emulator that a killed run left behind; it has noticed that its parent ended and is stopping."""
    stale = ProcessRecord.read(_record(home))
    if stale is not None:
        end_group(stale, grace_seconds=_STOP_SECONDS + 4)
        _record(home).unlink(missing_ok=True)


def _record(home: Path) -> Path:
    return home / "emulator.json"
