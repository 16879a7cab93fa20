"""The foundry's lock, divided by what a machine needs."""

from importlib.metadata import version
from pathlib import Path

import pytest

from foundry import locking

LOCK = """\
numpy==2.4.6 \\
    --hash=sha256:aa
nvidia-cublas==13.1.1.3 ; sys_platform == 'linux' \\
    --hash=sha256:bb
torch==2.13.0 \\
    --hash=sha256:cc
triton==3.7.0 \\
    --hash=sha256:dd
"""


def names(lock: str) -> list[str]:
    return [line.partition(" ")[0] for line in lock.splitlines() if not line.startswith(" ")]


def test_cuda_and_the_cpu_build_have_locks_of_their_own() -> None:
    cpu, common, cuda = locking.divide(LOCK)
    assert names(cpu) == ["torch==2.13.0+cpu"]
    assert names(common) == ["numpy==2.4.6", "torch==2.13.0"]
    assert names(cuda) == ["nvidia-cublas==13.1.1.3", "triton==3.7.0"]
    assert common.count("--hash") == 2


def test_a_torch_whose_cpu_build_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match=r"torch==9\.0\.0: add the SHA-256"):
        locking.divide(LOCK.replace("2.13.0", "9.0.0"))


def test_what_is_committed_is_what_the_lock_says() -> None:
    folder = Path(locking.__file__).parent
    common = (folder / "requirements.txt").read_text()
    assert locking.divide(common)[:2] == ((folder / "cpu.txt").read_text(), common)
    assert f"numpy=={version('numpy')}" in names(common)
