import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.settings import ROOT


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a photograph, and an installed model beside it."""
    home = tmp_path / "home"
    for name in ("emulator/s3/photograph.jpg", "models/one/config.json"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text("x")
    return home


def _reset(home: Path, stdin: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "reset"],
        cwd=ROOT,
        env={**os.environ, "GLIMPSE_HOME": str(home)},
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize(
    ("typed", "goes"), [(b"y\n", True), (b"Yes\n", True), (b"\n", False), (b"n\n", False), (b"\x04", False)]
)
def test_somebody_at_a_terminal_is_asked(home: Path, typed: bytes, goes: bool) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    result = _reset(home, theirs)
    os.close(ours)
    os.close(theirs)
    assert f"photographs and indexes in {home}?" in result.stdout
    assert ("Deleted all accounts" in result.stdout, "Nothing was deleted" in result.stdout) == (
        goes,
        not goes,
    )
    assert (home / "emulator").exists() is not goes
    assert (home / "models/one/config.json").exists()


def test_a_script_is_not_asked(home: Path) -> None:
    result = _reset(home, subprocess.DEVNULL)
    assert "Deleted all accounts" in result.stdout
    assert not (home / "emulator").exists()
