"""Find a Python of Lambda's version on this machine or in Docker, and compile deployed modules with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_SCRIPT = Path(__file__).with_name("bytecode.py")

# Bytecode contains sets, whose order depends on the hash seed.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}

_TELL = "import platform; print(platform.python_implementation(), platform.python_version())"


@dataclass(frozen=True, slots=True)
class Compiler:
    """A Python that compiles modules.

    Attributes
    ----------
    name
        Identifies it: a different compiler may write different bytes.
    executable
        Its path, on this machine or in the image.
    image
        The container image that contains it; None for one on this machine.
    """

    name: str
    executable: str
    image: str | None = None

    def compile(self, folder: Path, root: str) -> None:
        """Write the bytecode of all modules in a folder, which will be deployed as ``root``.

        Raises
        ------
        RuntimeError
            If compilation fails; the message ends with the last part of the output.
        """
        if self.image is None:
            command = [self.executable, "-s", "-S", str(_SCRIPT), str(folder), f"--root={root}"]
        else:
            command = ["docker", "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}"]
            command += ["--env=PYTHONHASHSEED=0", f"--volume={_SCRIPT}:/bytecode.py:ro"]
            command += [f"--volume={folder}:/folder", f"--entrypoint={self.executable}", self.image]
            command += ["-s", "-S", "/bytecode.py", "/folder", f"--root={root}"]
        result = _output(command, _ENVIRONMENT)
        if result.returncode != 0:
            raise RuntimeError(f"{self.name} could not compile {folder}:\n{result.stderr[-2000:]}")


def find_compiler(version: str, image: str) -> Compiler | None:
    """Return a compiler for a version of Python: an interpreter on this machine, else one in Docker.

    Parameters
    ----------
    version
        Major and minor version.
    image
        A container image with that Python; used if a Docker engine runs, which pulls it if necessary.

    Returns
    -------
    Compiler or None
        None if there is neither; then prints a warning on standard error.
    """
    return _find(version, image, os.environ.get("PATH", ""))


@cache
def _find(version: str, image: str, _path: str) -> Compiler | None:
    if python := find_python(version):
        return Compiler(f"CPython {_identity(python)}", str(python))
    if shutil.which("docker") and _output(["docker", "version"]).returncode == 0:
        return Compiler(image, "python", image)
    print(
        f"WARNING: NO PYTHON {version} FOUND, and no Docker engine to run one. The functions are packed"
        " without bytecode, so each cold start spends about a second on compiling their modules. Put"
        f" python{version} on PATH, run `uv python install {version}`, or start Docker; then build again.",
        file=sys.stderr,
    )
    return None


def find_python(version: str) -> Path | None:
    """Return a CPython of this version (major and minor): the running one, or one from PATH, pyenv or uv."""
    for candidate in _candidates(version):
        identity = _identity(candidate)
        if identity and identity.rpartition(".")[0] == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    yield Path(sys.executable)
    if on_path := shutil.which(name):
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}*/bin/{name}"))
    beside = Path(sys.executable).with_name("uv")
    if uv := str(beside) if beside.exists() else shutil.which("uv"):
        found = _output([uv, "python", "find", "--no-project", version], {"UV_PYTHON_DOWNLOADS": "never"})
        if found.returncode == 0:
            yield Path(found.stdout.strip())


def _identity(python: Path) -> str | None:
    """Return the full version of a CPython; None for other Pythons and for a shim that points nowhere."""
    words = _output([str(python), "-I", "-S", "-c", _TELL]).stdout.split()
    return words[1] if len(words) == 2 and words[0] == "CPython" else None


def _output(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - fixed commands
        command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
