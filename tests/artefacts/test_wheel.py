"""The wheel holds the package `glimpse` and nothing else, and works without the checkout."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from glimpse import __version__

from deployment.settings import ROOT

pytestmark = pytest.mark.slow

PACKAGE = ROOT / "layers/glimpse/python"
EXAMPLE = ROOT / "docs/examples/local_index.py"
OF_THE_CHECKOUT = (
    "benchmarks",
    "cli",
    "deployment",
    "foundry",
    "functions",
    "infra",
    "local",
    "migration",
    "tests",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def interpreter(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that has the wheel, and finds what it needs in this one's packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    _run(
        sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)
    )
    installed = _run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
    ).strip()
    # A path in such a file is searched last, and the .pth files that lie there, the checkout's, are not read.
    Path(installed, "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"glimpse", f"glimpse-{__version__}.dist-info"}
    tracked = subprocess.run(
        ["git", "ls-files", "glimpse"], cwd=PACKAGE, capture_output=True, text=True, check=True
    )
    assert {name for name in names if name.startswith("glimpse/")} == set(tracked.stdout.splitlines())


def test_the_wheel_installs_no_command(interpreter: Path) -> None:
    assert not (interpreter.parent / "glimpse").exists()


def test_a_checkout_has_the_command(tmp_path: Path) -> None:
    assert "reindex" in _run(Path(sys.executable).parent / "glimpse", "--help", cwd=tmp_path)


def test_the_package_works_without_the_checkout(interpreter: Path, tmp_path: Path) -> None:
    found = _run(interpreter, "-c", "import glimpse; print(glimpse.__file__)", cwd=tmp_path)
    assert found.startswith(str(interpreter.parents[1]))
    look = f"import importlib.util as u; print([name for name in {OF_THE_CHECKOUT} if u.find_spec(name)])"
    assert _run(interpreter, "-c", look, cwd=tmp_path) == "[]\n"
    printed = _run(interpreter, EXAMPLE, str(tmp_path / "index"), cwd=tmp_path)
    assert "checked: 999 vectors, 0 errors" in printed
