"""What goes into each artefact: staged under ``build/``, without Docker.

The constructs and the tests of the artefacts both build through this module: what is tested is what is
deployed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

PYTHON_VERSION = "3.12"
"""Python of the Lambda runtime; the layers' binary wheels are for it."""

# The 3.12 runtime is Amazon Linux 2023 with glibc 2.34; manylinux_2_28 is the newest commonly built below.
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")

REQUIREMENTS = {
    "api": ROOT / "layers/api/requirements.txt",
    "search": ROOT / "layers/search/requirements.txt",
    "embed": ROOT / "functions/embed/requirements.txt",
}

# What a function carries of the model bundle: search embeds words only, so the image half stays out.
_BUNDLE_FILES = {
    "api": (),
    "search": ("config.json", "visual/preprocess_cfg.json", "textual/**/*"),
    "embed": ("config.json", "visual/**/*", "textual/**/*"),
}

# boto3 describes 400 services in 25 MB; these are the ones that a function calls (sts: credentials).
_AWS_SERVICES = {"dynamodb", "lambda", "s3", "sqs", "sts"}

_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "Dockerfile", "requirements.txt")

IMAGE_CONTEXT = (
    "*",
    "!functions/__init__.py",
    "!functions/embed",
    "!layers/glimpse/python/glimpse",
    "!models/demo",
    "**/__pycache__",
    "**/*.pyc",
)
"""Docker-ignore patterns that leave of the repository what the embed function's Dockerfile copies."""


def stage_function(name: str) -> Path:
    """Lay out the zip of a function: its package and its part of the model bundle.

    Parameters
    ----------
    name
        ``api``, ``embed`` or ``search``.

    Returns
    -------
    Path
        A folder whose content is the zip's.
    """
    target = _emptied(BUILD / "functions" / name)
    package = target / "functions"
    package.mkdir()
    shutil.copy2(ROOT / "functions/__init__.py", package)
    shutil.copytree(ROOT / "functions" / name, package / name, ignore=_IGNORED)
    _copy_bundle(_BUNDLE_FILES[name], target / "models/demo")
    return target


def stage_shared_layer() -> Path:
    """Lay out the layer that holds the shared ``glimpse`` package, and return its folder."""
    target = _emptied(BUILD / "layers/glimpse")
    shutil.copytree(ROOT / "layers/glimpse/python/glimpse", target / "python/glimpse", ignore=_IGNORED)
    return target


def build_dependency_layer(name: str) -> Path:
    """Install a function's locked third-party packages for Lambda's platform, whatever this machine's is.

    The result is kept until the requirements change.

    Parameters
    ----------
    name
        ``api``, ``embed`` or ``search``.

    Returns
    -------
    Path
        A folder with ``python/``, as Lambda expects of a layer.

    Raises
    ------
    RuntimeError
        If pip fails; with the end of its output.
    """
    requirements = REQUIREMENTS[name]
    target = BUILD / "layers" / name
    stamp = BUILD / "layers" / f"{name}.stamp"
    digest = hashlib.sha256(requirements.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return target
    # Built beside and moved into place, so that an interrupted build is never taken for a layer.
    staging = _emptied(BUILD / "layers" / f".{name}.{os.getpid()}")
    _pip_install(requirements, staging / "python")
    _strip(staging / "python")
    shutil.rmtree(target, ignore_errors=True)
    staging.rename(target)
    stamp.write_text(digest)
    return target


def _pip_install(requirements: Path, target: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
    ]
    # pip compares Requires-Python with its own interpreter, not with --python-version; the lock is for 3.12.
    command += [
        "--ignore-requires-python",
        "--only-binary=:all:",
        "--implementation",
        "cp",
        "--python-version",
        PYTHON_VERSION,
    ]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    command += ["--target", str(target), "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    if result.returncode != 0:
        name = requirements.relative_to(ROOT)
        raise RuntimeError(f"pip could not install {name} for Lambda:\n{result.stderr[-2000:]}")


def _strip(site: Path) -> None:
    """Remove what no function imports: scripts, tests, training tools, models of other AWS services."""
    unused = [
        site / "bin",
        *(site / "onnxruntime" / part for part in ("transformers", "tools", "quantization")),
    ]
    unused += [path for path in site.glob("*/**/tests") if path.is_dir()]
    for services in (site / "botocore/data", site / "boto3/data"):
        unused += [path for path in services.glob("*/") if path.name not in _AWS_SERVICES]
    for path in unused:
        shutil.rmtree(path, ignore_errors=True)


def _copy_bundle(patterns: Iterable[str], target: Path) -> None:
    bundle = ROOT / "models/demo"
    for pattern in patterns:
        for source in sorted(bundle.glob(pattern)):
            if source.is_file():
                destination = target / source.relative_to(bundle)
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, destination)


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
