"""The shim declares torchvision's operators where its library does not define them, and only there."""

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from torch.utils.cpp_extension import library_paths

from deployment.settings import ROOT

pytestmark = pytest.mark.models

_ASK = """
import foundry.conversion.torchvision_shim, torch
print(hasattr(torch.ops.torchvision, "nms"))
"""


def is_declared(installed: Path) -> bool:
    """Say whether the shim declares the operators beside a torchvision that is installed in a folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])}
    asked = subprocess.run(
        [sys.executable, "-c", _ASK],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.strip() == "True"


def test_operators_are_declared_where_the_library_is_for_another_build(tmp_path: Path) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / f"_C{EXTENSION_SUFFIXES[-1]}").write_bytes(b"needs libc10_cuda.so")
    assert is_declared(tmp_path)


def test_operators_are_left_to_a_library_that_can_be_loaded(tmp_path: Path) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").touch()
    # Any library will do: what counts is that the shim leaves the names free, or the process would abort.
    [libraries] = library_paths()[:1]
    (package / f"_C{EXTENSION_SUFFIXES[-1]}").symlink_to(Path(libraries) / "libc10.so")
    assert not is_declared(tmp_path)
