"""What the image and the zips hold, measured on the artefacts built without Docker: ``make size``.

A megabyte has a million bytes. The base image of the embed function is AWS's and not counted.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.artefacts.dockerfile_replay import embed_image
from infra import packaging

ZIP_LIMIT = 250_000_000
"""Lambda's limit for a zip function with its layers, unpacked, in bytes."""

_SMALL = 1_000_000  # packages below it share a row


@dataclass(frozen=True, slots=True)
class Part:
    """One row: what it is, and how many bytes it has unpacked and (if it travels as a zip) zipped."""

    name: str
    unpacked: int
    zipped: int | None = None


@dataclass(frozen=True)
class Artefact:
    """A function as it is deployed, with its layers; its parts from the biggest on."""

    name: str
    parts: tuple[Part, ...]

    @property
    def unpacked(self) -> int:
        """Bytes of all parts, unpacked."""
        return sum(part.unpacked for part in self.parts)

    @property
    def zipped(self) -> int | None:
        """Bytes of all parts, zipped; None for an image."""
        sizes = [part.zipped for part in self.parts if part.zipped is not None]
        return sum(sizes) if len(sizes) == len(self.parts) else None


def zip_artefact(name: str) -> Artefact:
    """Measure a zip function, its layers included.

    Parameters
    ----------
    name
        ``api`` or ``search``.
    """
    function = packaging.stage_function(name)
    folders = {
        "function code": function / "functions",
        "shared code": packaging.stage_shared_layer(),
    }
    parts = [_part(label, _files(folder), zipped=True) for label, folder in folders.items()]
    parts += _packages(packaging.build_dependency_layer(name) / "python", zipped=True)
    return Artefact(f"{name} (zip and layers)", _biggest_first(parts))


def image_artefact(task_root: Path) -> Artefact:
    """Measure the embed function's image, but for its base.

    Parameters
    ----------
    task_root
        The image's ``/var/task``.
    """
    own = {"function code": "functions", "shared code": "glimpse"}
    parts = [_part(label, _files(task_root / folder)) for label, folder in own.items()]
    parts += [_part(f"model {folder.name}", _files(folder)) for folder in (task_root / "models").glob("*/")]
    packages = [path for path in task_root.iterdir() if path.name not in {"functions", "glimpse", "models"}]
    parts += _packages(task_root, files=[file for path in packages for file in _files(path)])
    return Artefact("embed (image)", _biggest_first(parts))


def table(artefact: Artefact) -> Table:
    """Lay out an artefact's parts for a terminal."""
    result = Table(title=artefact.name, title_justify="left", title_style="bold")
    result.add_column("part")
    result.add_column("MB", justify="right")
    if artefact.zipped is not None:
        result.add_column("zipped MB", justify="right")
    total = Part("total", artefact.unpacked, artefact.zipped)
    for part in [*artefact.parts, total]:
        sizes = [part.unpacked] if part.zipped is None else [part.unpacked, part.zipped]
        result.add_row(
            part.name, *(f"{size / 1e6:.1f}" for size in sizes), end_section=part is artefact.parts[-1]
        )
    return result


def main() -> None:
    """Build the artefacts and print their tables."""
    console = Console()
    for name in ("api", "search"):
        artefact = zip_artefact(name)
        console.print(table(artefact))
        console.print(f"{artefact.unpacked / ZIP_LIMIT:.0%} of Lambda's {ZIP_LIMIT / 1e6:.0f} MB\n")
    with tempfile.TemporaryDirectory(dir=packaging.BUILD) as folder:
        console.print(table(image_artefact(embed_image(Path(folder)).task_root)))
        console.print("on top of AWS's base image")


def _packages(site: Path, *, files: Iterable[Path] | None = None, zipped: bool = False) -> Iterator[Part]:
    """Measure a folder's packages by their own lists of files; the small ones, and what is left, together."""
    left = set(_files(site) if files is None else files)
    small: set[Path] = set()
    count = 0
    for distribution in distributions(path=[str(site)]):
        own = {site / file for file in distribution.files or ()} & left
        left -= own
        if sum(file.stat().st_size for file in own) < _SMALL:
            small |= own
            count += 1
        else:
            yield _part(f"package {distribution.name}", own, zipped=zipped)
    yield _part(f"{count} small packages", small | left, zipped=zipped)


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    return [path for path in folder.rglob("*") if path.is_file()]


def _part(name: str, files: Iterable[Path], *, zipped: bool = False) -> Part:
    files = list(files)
    unpacked = sum(file.stat().st_size for file in files)
    return Part(name, unpacked, sum(map(_deflated, files)) if zipped else None)


@cache
def _deflated(file: Path) -> int:
    return len(zlib.compress(file.read_bytes()))


def _biggest_first(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(sorted((part for part in parts if part.unpacked), key=lambda part: -part.unpacked))


if __name__ == "__main__":
    main()
