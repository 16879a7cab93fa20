"""What goes into each artefact: staged under ``build/``, without Docker.

The constructs and the tests of the artefacts both build through this module: what is tested is what is
deployed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
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

    def fill(folder: Path) -> None:
        package = folder / "functions"
        package.mkdir()
        shutil.copy2(ROOT / "functions/__init__.py", package)
        shutil.copytree(ROOT / "functions" / name, package / name, ignore=_IGNORED)
        _copy_bundle(_BUNDLE_FILES[name], folder / "models/demo")

    return _stage(BUILD / "functions" / name, fill)


def stage_shared_layer() -> Path:
    """Lay out the layer that holds the shared ``glimpse`` package, and return its folder."""

    def fill(folder: Path) -> None:
        shutil.copytree(ROOT / "layers/glimpse/python/glimpse", folder / "python/glimpse", ignore=_IGNORED)

    return _stage(BUILD / "layers/glimpse", fill)


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
    digest = hashlib.sha256(requirements.read_bytes() + Path(__file__).read_bytes()).hexdigest()

    def fill(folder: Path) -> None:
        install(requirements, folder / "python")

    return _stage(BUILD / "layers" / name, fill, digest=digest)


def install(requirements: Path, site: Path, *, python_version: str = PYTHON_VERSION) -> None:
    """Install locked packages for Lambda's platform into a folder, without what no function imports.

    Parameters
    ----------
    requirements
        A requirements file with hashes.
    site
        The folder that is to be on the import path.
    python_version
        The Python that is to import them.

    Raises
    ------
    RuntimeError
        If pip fails; with the end of its output.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    # pip compares Requires-Python with its own interpreter, not with --python-version; the lock is for 3.12.
    command += ["--implementation", "cp", "--python-version", python_version, "--ignore-requires-python"]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    command += ["--target", str(site), "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    if result.returncode != 0:
        raise RuntimeError(f"pip could not install {requirements} for Lambda:\n{result.stderr[-2000:]}")
    _strip(site)


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


def _stage(name: Path, fill: Callable[[Path], None], *, digest: str | None = None) -> Path:
    """Fill a folder that is named by its content, and is never changed once it has that name.

    Thus two runs at once don't disturb each other, and an interrupted one leaves nothing that looks complete.

    Parameters
    ----------
    name
        The folder's path; the digest is appended.
    fill
        Writes the content into an empty folder.
    digest
        Identifies the content where that is known beforehand: an existing folder is then not filled again.
    """
    name.parent.mkdir(parents=True, exist_ok=True)
    if digest is not None and (known := _named(name, digest)).exists():
        return known
    with tempfile.TemporaryDirectory(dir=name.parent, prefix=f".{name.name}-") as temporary:
        folder = Path(temporary) / "content"
        folder.mkdir()
        fill(folder)
        target = _named(name, digest or _digest(folder))
        # A concurrent one may come first, with the same content.
        with suppress(OSError):
            folder.rename(target)
    if not target.is_dir():
        raise RuntimeError(f"{target} could not be written; is the disk full, or the folder read-only?")
    _forget_old(name, keep=target)
    return target


def _named(name: Path, digest: str) -> Path:
    return name.with_name(f"{name.name}-{digest[:16]}")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()


def _forget_old(name: Path, *, keep: Path) -> None:
    hour_ago = time.time() - 3600
    for other in name.parent.glob(f"{name.name}-*"):
        if other != keep and other.stat().st_mtime < hour_ago:
            shutil.rmtree(other, ignore_errors=True)
