import errno
import os
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from deployment.errors import UserError
from deployment.home import explain, prepare_home
from local.lock import HomeLock
from local.ports.listen import listen
from local.processes import ProcessRecord, end_group


def test_a_port_in_use_is_named_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {port} is in use .*API_PORT=\d+ make run"):
            listen(port, "API_PORT")


def test_only_this_machine_can_connect() -> None:
    with listen(0, "API_PORT") as server:
        assert server.getsockname()[0] == "127.0.0.1"


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1_000_000))
    with pytest.raises(UserError, match=r"has 1 MB left, but 500 MB are needed"):
        prepare_home(tmp_path / "home")


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        prepare_home(tmp_path / "home")


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "is full"), (errno.EACCES, "can't be written"), (errno.EIO, "can't be used")],
)
def test_errors_of_the_system_become_a_sentence(number: int, words: str, tmp_path: Path) -> None:
    assert words in explain(OSError(number, os.strerror(number)), tmp_path)


def test_a_lock_is_held_once_and_says_by_whom(tmp_path: Path) -> None:
    with HomeLock(tmp_path), pytest.raises(UserError, match=f"kill {os.getpid()}"), HomeLock(tmp_path):
        pass
    with HomeLock(tmp_path):
        pass


def test_whoever_comes_while_a_run_stops_waits_for_it(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from local.lock import HomeLock\n"
        "with HomeLock(Path(sys.argv[1])) as lock:\n"
        "    lock.stopping(); print('stopping', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "stopping\n"
        first.stdin.close()  # type: ignore[union-attr]  # lets it go on to the end
        with HomeLock(tmp_path):
            assert first.wait(timeout=10) == 0


def test_a_process_is_known_by_its_start_not_only_its_number(tmp_path: Path) -> None:
    note = tmp_path / "process.json"
    own = ProcessRecord.of(os.getpid())
    own.write(note)
    assert ProcessRecord.read(note) == own
    assert own.is_running()
    assert not ProcessRecord(os.getpid(), own.started + "0").is_running()


def test_half_a_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "process.json").write_text('{"pid": 1')
    assert ProcessRecord.read(tmp_path / "process.json") is None
    assert ProcessRecord.read(tmp_path / "missing.json") is None


def test_a_process_that_ignores_the_request_is_made_to_end() -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('on', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    ) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        end_group(ProcessRecord.of(stubborn.pid), grace_seconds=0.2)
        assert stubborn.wait(timeout=5) < 0


@pytest.mark.parametrize("mode", [None, 0o755])
def test_the_home_is_its_owners_alone(tmp_path: Path, mode: int | None) -> None:
    home = tmp_path / "home"
    if mode is not None:  # as an earlier version made it
        for name in ("emulator", "models", "migrations"):
            (home / name).mkdir(parents=True)
        home.chmod(mode)
    prepare_home(home)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_home_among_other_things_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("")
    tmp_path.chmod(0o755)
    prepare_home(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
