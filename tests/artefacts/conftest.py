"""Each function's artefact, built for Lambda's platform, and an interpreter of Lambda's version for it."""

import re
import sys
import warnings
from pathlib import Path

import pytest

from benchmarks.artefacts.dockerfile_replay import Image, embed_image
from infra import packaging
from infra.interpreters import find_python
from infra.strip import strip
from tests.artefacts.runtime import Interpreter

LOCK = packaging.ROOT / "requirements.txt"


@pytest.fixture(scope="session")
def interpreter() -> Interpreter:
    """A Python of Lambda's version from PATH or pyenv; the running one where there is none, and says so."""
    if found := find_python(packaging.PYTHON_VERSION):
        return Interpreter(found, packaging.PYTHON_VERSION)
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    warnings.warn(
        f"NO PYTHON {packaging.PYTHON_VERSION} HERE: the artefacts are built for and tested with {running},"
        " which is not what Lambda runs.",
        stacklevel=1,
    )
    return Interpreter(Path(sys.executable).resolve(), running)


@pytest.fixture(scope="session")
def zip_paths(interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Function and layers of api and search, by name: what Lambda puts on the path, in its order."""
    paths = {}
    for name in ("api", "search"):
        if interpreter.version == packaging.PYTHON_VERSION:
            packages = packaging.build_dependency_layer(name) / "python"
        else:
            packages = tmp_path_factory.mktemp(f"layer-{name}")
            lock = _subset(packaging.REQUIREMENTS[name], packages.parent / f"{name}.txt")
            packaging.install(lock, packages, python_version=interpreter.version)
            strip(packages)
        paths[name] = [packaging.stage_function(name), packaging.stage_shared_layer() / "python", packages]
    return paths


@pytest.fixture(scope="session")
def image(interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """What the Dockerfile's instructions make, without Docker."""
    folder = tmp_path_factory.mktemp("image")

    def install(requirements: Path, site: Path) -> None:
        lock = _subset(requirements, folder.parent / "embed.txt")
        packaging.install(lock, site, python_version=interpreter.version)

    image = embed_image(folder, None if interpreter.version == packaging.PYTHON_VERSION else install)
    assert image.command == ["functions.embed.handler.handler"]
    return image


@pytest.fixture(scope="session")
def image_root(image: Image) -> Path:
    """The function's folder in the image."""
    return image.task_root


@pytest.fixture(scope="session")
def runtime_client(interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """awslambdaric for the interpreter, in a folder of its own, as in Lambda's base image."""
    site = tmp_path_factory.mktemp("awslambdaric")
    lock = site.parent / "awslambdaric.txt"
    names = {"awslambdaric", "simplejson", "snapshot-restore-py"}
    lock.write_text("".join(_blocks(LOCK, names)))
    packaging.install(lock, site, python_version=interpreter.version)
    return site


def _subset(function_lock: Path, target: Path) -> Path:
    """Write the same packages from the lock for all versions."""
    names = set(re.findall(r"^([\w.-]+)==", function_lock.read_text(), re.MULTILINE))
    target.write_text("".join(_blocks(LOCK, names)))
    return target


def _blocks(lock: Path, names: set[str]) -> list[str]:
    blocks = re.split(r"^(?=[\w.-]+==)", lock.read_text(), flags=re.MULTILINE)
    return [block for block in blocks if block.partition("==")[0] in names]
