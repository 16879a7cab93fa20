"""Where the installations of each era store their images and indexes."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HOMES = ("", "data", "python-backend", "search-service", "java-backend", "dotnet-backend", "backend")
"""The folders of the old system's repository that correspond to a container's root."""

_IMAGE_FOLDERS = ("images", "data/uploads/images", "data/uploads", "uploads/images", "uploads")
"""Each holds ``{user}/{folder}/…``: the first backend's, the later Python and .NET ones', and Java's."""

_INDEX_FOLDERS = ("data/indexes", "indexes", "faiss_indexes", "faisses_indexes")
"""Newer ones first: a move left the older ones behind."""

STORE_NAMES = ("images", "uploads")
"""The names of the last folder before ``{user}/{folder}`` in a row's path."""

NUMBER = re.compile(r"[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one installation.

    Attributes
    ----------
    images, indexes
        The existing folders, in order of preference.
    outside
        Folders that are links out of the installation; they are ignored.
    looked_for
        All folders that images may be in, whether they exist or not, if their parent exists.
    """

    images: tuple[Path, ...]
    indexes: tuple[Path, ...]
    outside: tuple[Path, ...]
    looked_for: tuple[str, ...]


def layout_of(root: Path) -> Layout:
    """Find the folders of an installation.

    Parameters
    ----------
    root
        The installation's folder, without links in its path.
    """
    homes = [home for name in _HOMES for home in _below(root, name)]
    images = _distinct(place for name in _IMAGE_FOLDERS for home in homes for place in _below(home, name))
    indexes = _distinct(place for name in _INDEX_FOLDERS for home in homes for place in _below(home, name))
    if not images and _holds_users(root):
        images = [root]  # a container's volume: the images folder itself
    outside = [place for place in [*images, *indexes] if not place.resolve().is_relative_to(root)]
    return Layout(
        tuple(place for place in images if place not in outside),
        tuple(place for place in indexes if place not in outside),
        tuple(outside),
        tuple(
            dict.fromkeys(
                (home / name).relative_to(root).as_posix() for home in homes for name in _IMAGE_FOLDERS
            )
        ),
    )


def _below(folder: Path, name: str) -> list[Path]:
    """Return the folders that a relative path may mean, ignoring case as some file systems do."""
    found = [folder]
    for part in name.split("/") if name else ():
        found = [child for place in found for child in _folders(place) if child.name.lower() == part]
    return found


def _folders(place: Path) -> Iterator[Path]:
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir())
    return (place / name for name in names)


def _holds_users(root: Path) -> bool:
    return any(
        NUMBER.fullmatch(user.name) and any(NUMBER.fullmatch(folder.name) for folder in _folders(user))
        for user in _folders(root)
    )


def _distinct(places: Iterator[Path]) -> list[Path]:
    """Remove duplicates: the same folder under several names or links."""
    by_place: dict[Path, Path] = {}
    for place in places:
        by_place.setdefault(place.resolve(), place)
    return list(by_place.values())
