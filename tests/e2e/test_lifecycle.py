"""Stopping, crashing and starting again."""

import os
import signal
import subprocess
import sys
import time

import pytest

from deployment.settings import ROOT
from local.processes import ProcessRecord
from tests.e2e.stack import STOP_SECONDS, Stack, User

PHOTOS = sorted((ROOT / "local/gallery/photos").glob("*.jpg"))


def test_a_second_run_says_that_one_is_running(stack: Stack) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "local", "run"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"stop it with Ctrl-C in its terminal, or with `kill {stack.process.pid}`" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_and_nothing_is_lost(
    stack: Stack, user: User, number: signal.Signals
) -> None:
    job = user.upload("Before", *PHOTOS)["job_id"]
    emulator = ProcessRecord.read(stack.settings.home / "emulator.json")
    assert emulator is not None
    try:
        assert stack.stop(number) < STOP_SECONDS
        assert stack.process.returncode == 0
        assert not _members(emulator.pid)
    finally:
        stack.start()
    assert user.finished(job)["processed_images"] == len(PHOTOS)
    assert len(user.search("anything", top_k=50)) == len(PHOTOS)


def test_a_killed_run_is_recovered_from(stack: Stack, user: User) -> None:
    job = user.upload("Before", *PHOTOS)["job_id"]
    emulator = ProcessRecord.read(stack.settings.home / "emulator.json")
    assert emulator is not None
    stack.kill()
    stack.start()
    assert not _members(emulator.pid)
    assert user.finished(job)["processed_images"] == len(PHOTOS)
    assert len(user.search("anything", top_k=50)) == len(PHOTOS)


def test_an_acknowledged_upload_survives_a_killed_emulator(stack: Stack, user: User) -> None:
    emulator = ProcessRecord.read(stack.settings.home / "emulator.json")
    assert emulator is not None
    jobs = [user.upload(name, *PHOTOS)["job_id"] for name in ("First", "Second")]
    os.kill(emulator.pid, signal.SIGKILL)
    assert stack.process.wait(timeout=STOP_SECONDS) == 1
    stack.start()
    assert [user.finished(job)["processed_images"] for job in jobs] == [len(PHOTOS)] * 2
    assert user.upload("Third", PHOTOS[0])["job_id"] not in jobs


def _members(group: int) -> bool:
    """Whether a process group still has a process, once init had time to bury those that have ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True
