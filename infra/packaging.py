"""Stage the content of each artefact under ``build/``, without Docker.

Both the constructs and the artefact tests build through this module: what is tested is what is deployed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra.interpreters import Compiler, find_compiler
from infra.staging import stage
from infra.strip import strip

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

PYTHON_VERSION = "3.12"
"""The Python of the Lambda runtime, for which the layers' binary wheels are."""

TASK_ROOT = "/var/task"
LAYER_ROOT = "/opt/python"
"""Where Lambda unpacks a function (`TASK_ROOT`) and the modules of layers."""

# The 3.12 runtime is Amazon Linux 2023 with glibc 2.34; of the platforms up to it, manylinux_2_28 is the
# newest that wheels are commonly built for.
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")

REQUIREMENTS = {
    "api": ROOT / "layers/api/requirements.txt",
    "search": ROOT / "layers/search/requirements.txt",
    "embed": ROOT / "functions/embed/requirements.txt",
}

SHARED = ROOT / "layers/glimpse/python"

BUNDLES = "GLIMPSE_BUNDLES"
"""The environment variable that names the models to ship with embed: folders, separated as in PATH."""

_DEMO = ROOT / "models/demo"

_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "Dockerfile", "requirements.txt")

DOCKERFILE = "functions/embed/Dockerfile"

BASE_IMAGE = re.findall(r"^ARG BASE=(\S+)$", (ROOT / DOCKERFILE).read_text(), re.MULTILINE)[0]
"""The base of embed's image: AWS's image of the runtime, by digest."""


def image_context(models: str) -> tuple[str, ...]:
    """Return the Docker-ignore patterns that exclude everything that embed's image does not need.

    Parameters
    ----------
    models
        The folder of bundles, relative to the repository's root: the build argument ``MODELS``.
    """
    return (
        "*",
        "!functions/__init__.py",
        "!functions/embed",
        "!functions/upkeep",
        "!infra/bytecode.py",
        "!infra/strip.py",
        "!layers/glimpse/python/glimpse",
        f"!{models}",
        "**/__pycache__",
        "**/*.pyc",
    )


def chosen_bundles(environment: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Return the bundles to ship with the embed function, by folder name; by default the demo model.

    Raises
    ------
    RuntimeError
        If ``GLIMPSE_BUNDLES`` names a folder without a bundle, or two folders of the same name.
    """
    chosen: dict[str, Path] = {}
    for text in (environment.get(BUNDLES) or str(_DEMO)).split(os.pathsep):
        folder = Path(text).resolve()
        if not (folder / "config.json").is_file():
            raise RuntimeError(f"{BUNDLES} names {text!r}, which holds no model bundle (no config.json)")
        if folder.name in chosen:
            raise RuntimeError(f"{BUNDLES} names two folders called {folder.name!r}; rename one of them")
        chosen[folder.name] = folder
    return chosen


def stage_models(bundles: Mapping[str, Path]) -> Path:
    """Stage the parts of bundles that the embed function ships: their visual halves and their file lists.

    The shelf's own program does it in a separate process: the stack's description imports none of the code
    that it deploys.

    Parameters
    ----------
    bundles
        The bundles' folders, by the names that they get.

    Raises
    ------
    RuntimeError
        If a bundle can't be used.
    """

    def fill(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            for name, bundle in bundles.items():
                (Path(temporary) / name).symlink_to(bundle)
            command = [
                sys.executable,
                "-m",
                "glimpse.shelf.staging",
                temporary,
                str(folder),
                "--half",
                "visual",
            ]
            environment = {**os.environ, "PYTHONPATH": str(SHARED)}
            result = subprocess.run(  # noqa: S603 - fixed arguments
                command, env=environment, capture_output=True, text=True, check=False
            )
        if result.returncode != 0:
            raise RuntimeError(f"The models can't be staged: {result.stderr.strip()[-2000:]}")

    return stage(BUILD / "models", fill)


def stage_function(name: str, *, compiled: bool = True) -> Path:
    """Stage the zip of a function: its package and, for embed, the models; *upkeep* shares embed's zip.

    Search ships no model: it loads the deployment's active model from the index bucket.

    Parameters
    ----------
    name
        ``api``, ``embed`` or ``search``.
    compiled
        Whether to include bytecode, if a Python of Lambda's version is available to write it.

    Returns
    -------
    Path
        A folder with the zip's content.
    """

    def fill(folder: Path) -> None:
        package = folder / "functions"
        package.mkdir()
        shutil.copy2(ROOT / "functions/__init__.py", package)
        shutil.copytree(ROOT / "functions" / name, package / name, ignore=_IGNORED)
        if name == "embed":
            shutil.copytree(ROOT / "functions/upkeep", package / "upkeep", ignore=_IGNORED)
            shutil.copytree(stage_models(chosen_bundles()), folder / "models")
        if compiled and (compiler := _compiler()):
            compiler.compile(package, f"{TASK_ROOT}/functions")

    return stage(BUILD / "functions" / name, fill)


def stage_shared_layer(*, compiled: bool = True) -> Path:
    """Stage the layer of the shared ``glimpse`` package, and return its folder."""

    def fill(folder: Path) -> None:
        shutil.copytree(SHARED / "glimpse", folder / "python/glimpse", ignore=_IGNORED)
        if compiled and (compiler := _compiler()):
            compiler.compile(folder / "python", LAYER_ROOT)

    return stage(BUILD / "layers/glimpse", fill)


def build_dependency_layer(name: str, *, compiled: bool = True) -> Path:
    """Install a function's locked third-party packages for Lambda's platform, on any machine.

    The result is kept until the requirements change.

    Parameters
    ----------
    name
        ``api``, ``embed`` or ``search``.
    compiled
        Whether to include bytecode, as in :func:`stage_function`.

    Returns
    -------
    Path
        A folder with ``python/``, as Lambda expects in a layer.

    Raises
    ------
    RuntimeError
        If pip fails; the message ends with the last part of its output.
    """
    compiler = _compiler() if compiled else None

    def fill(folder: Path) -> None:
        shutil.copytree(installed_packages(name), folder / "python")
        strip(folder / "python")
        if compiler:
            compiler.compile(folder / "python", LAYER_ROOT)

    recipe = _recipe(name) + (ROOT / "infra/strip.py").read_bytes()
    if compiler:
        recipe += compiler.name.encode() + (ROOT / "infra/bytecode.py").read_bytes()
    return stage(BUILD / "layers" / name, fill, digest=hashlib.sha256(recipe).hexdigest())


def installed_packages(name: str) -> Path:
    """Install a function's locked packages for Lambda's platform, unstripped; kept until the lock changes.

    Raises
    ------
    RuntimeError
        If pip fails; the message ends with the last part of its output.
    """
    digest = hashlib.sha256(_recipe(name)).hexdigest()
    return stage(BUILD / "packages" / name, lambda folder: install(REQUIREMENTS[name], folder), digest=digest)


def _compiler() -> Compiler | None:
    return find_compiler(PYTHON_VERSION, BASE_IMAGE)


def _recipe(name: str) -> bytes:
    return REQUIREMENTS[name].read_bytes() + repr((PYTHON_VERSION, PLATFORMS)).encode()


def install(requirements: Path, site: Path, *, python_version: str = PYTHON_VERSION) -> None:
    """Install locked packages for Lambda's platform into a folder.

    Parameters
    ----------
    requirements
        A requirements file with hashes.
    site
        The target folder, which will be on the import path.
    python_version
        The version of Python that will import them.

    Raises
    ------
    RuntimeError
        If pip fails; the message ends with the last part of its output.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    # pip compares Requires-Python with its own interpreter, not with --python-version. The lock is for 3.12.
    command += ["--implementation", "cp", "--python-version", python_version, "--ignore-requires-python"]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    command += ["--target", str(site), "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    if result.returncode != 0:
        raise RuntimeError(f"pip could not install {requirements} for Lambda:\n{result.stderr[-2000:]}")
