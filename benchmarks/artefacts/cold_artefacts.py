"""What a cold start runs: the functions as they are deployed now, and as they were at an earlier commit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.artefacts.dockerfile_replay import embed_image
from infra import packaging
from infra.strip import strip

FUNCTIONS = ("api", "search", "embed")

Artefacts = dict[str, list[Path]]
"""By function: the folders that are on its path, in their order."""

_BYTECODE = "infra/bytecode.py"


def present(folder: Path) -> Artefacts:
    """Build what is deployed now; ``folder`` gets embed's image."""
    folder.mkdir()
    shared = packaging.stage_shared_layer() / "python"
    zips = {
        name: [packaging.stage_function(name), shared, packaging.build_dependency_layer(name) / "python"]
        for name in ("api", "search")
    }
    return {**zips, "embed": [embed_image(folder).task_root]}


def earlier(commit: str, folder: Path) -> Artefacts:
    """Build what was deployed at a commit, without bytecode, from its own locks and sources.

    Raises
    ------
    RuntimeError
        If the repository does not have the commit, or pip fails.
    """
    folder.mkdir()
    archive = folder / "sources.tar"
    _git("archive", "--output", str(archive), commit, "functions", "layers")
    sources = folder / "sources"
    shutil.unpack_archive(archive, sources)
    models = packaging.stage_models(packaging.chosen_bundles())
    return {name: _lay_out(name, sources, folder / name, models) for name in FUNCTIONS}


def _lay_out(name: str, sources: Path, folder: Path, models: Path) -> list[Path]:
    packages = folder / "packages"
    packaging.install(sources / packaging.REQUIREMENTS[name].relative_to(packaging.ROOT), packages)
    strip(packages)
    code = folder / "code"
    shutil.copytree(sources / "functions" / name, code / "functions" / name)
    shutil.copy2(sources / "functions/__init__.py", code / "functions")
    if name == "embed":
        shutil.copytree(models, code / "models")
    return [code, sources / packaging.SHARED.relative_to(packaging.ROOT), packages]


def last_without_bytecode() -> str:
    """Return the commit before the one that began to ship bytecode.

    Raises
    ------
    RuntimeError
        If the history does not reach back that far.
    """
    [*_, first] = _git("log", "--diff-filter=A", "--format=%H", "--", _BYTECODE).split() or [""]
    if not first:
        raise RuntimeError(
            "bench-cold needs the commit that added infra/bytecode.py; fetch the whole history"
        )
    return _git("rev-parse", f"{first}^").strip()


def _git(*arguments: str) -> str:
    result = subprocess.run(  # noqa: S603 - fixed arguments
        ["git", *arguments],  # noqa: S607 - whichever git there is
        cwd=packaging.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise RuntimeError(f"git {' '.join(arguments)} failed: {result.stderr.strip()}")
    return result.stdout
