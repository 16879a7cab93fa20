"""The files of an old installation: indexes and images by owner and folder."""

import filecmp
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployment.errors import UserError
from migration.notes import Kind, Note, skipped
from migration.old.layout import NUMBER, layout_of
from migration.text import of_path

_IS_OUTSIDE = "a link that leads out of the installation, or nowhere"


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A FAISS file, with its owner and folder."""

    user_id: int
    folder_id: int
    path: Path


@dataclass(frozen=True, slots=True)
class OldImageFile:
    """A file in ``{user}/{folder}/``; `tail` is its path relative to that, with slashes."""

    user_id: int
    folder_id: int
    tail: str
    path: Path


class OldTree:
    """The folder of an old installation; nothing in it is ever opened for writing.

    Parameters
    ----------
    root
        The folder.

    Attributes
    ----------
    root
        The folder, with links resolved.
    looked_for
        The folders that images may be in.
    notes
        Notes on unreadable files, after :meth:`image_files` was called.

    Raises
    ------
    UserError
        If there is no such folder, or it has neither images nor indexes.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise UserError(f"There is no folder {root}; check the path.")
        self.root = root.resolve()
        try:
            layout = layout_of(self.root)
        except OSError as error:
            raise UserError(f"{error.filename} can't be read: {error.strerror}.") from error
        self._images, self._indexes = layout.images, layout.indexes
        self._files: list[OldImageFile] | None = None
        self.looked_for = layout.looked_for
        self.notes: list[Note] = []
        for place in layout.outside:
            self._leave_out(place, _IS_OUTSIDE)
        if not self._images and not self._indexes:
            links = "".join(f" {self.relative(place)} is {_IS_OUTSIDE}." for place in layout.outside)
            raise UserError(
                f"{root} contains neither images/ nor faiss_indexes/, so it is not the folder of an old"
                f" installation. Looked for: {', '.join(self.looked_for)}.{links}"
            )

    def relative(self, path: Path) -> str:
        """Return a path relative to the installation's folder."""
        return of_path(path.relative_to(self.root))

    def index_files(self) -> tuple[dict[tuple[int, int], IndexFile], list[Path]]:
        """Return the FAISS files by owner and folder, and those that are misplaced or have a later copy."""
        found: dict[tuple[int, int], IndexFile] = {}
        passed_over: list[Path] = []
        for folder in self._indexes:
            for path in sorted(folder.rglob("*.faiss")):
                parts = path.relative_to(folder).with_suffix("").parts
                if (
                    len(parts) != 2
                    or not all(NUMBER.fullmatch(part) for part in parts)
                    or not self.holds(path)
                ):
                    passed_over.append(path)
                    continue
                key = int(parts[0]), int(parts[1])
                if key in found:
                    passed_over.append(path)
                else:
                    found[key] = IndexFile(*key, path)
        return found, passed_over

    def image_files(self) -> list[OldImageFile]:
        """Return every file below ``{user}/{folder}/``, place by place, in order."""
        if self._files is None:
            self._files = [file for place in self._images for file in self._below(place)]
        return self._files

    def find_exactly(self, path: bytes) -> Path | None:
        """Return the file with exactly this path relative to the installation; None if there is none."""
        try:
            found = self.root / os.fsdecode(path.lstrip(b"/"))
            return found if found.is_file() and self.holds(found) else None
        except (OSError, ValueError, RuntimeError):
            return None  # a name too long for the file system, a NUL, or a loop of links

    def is_same(self, one: Path, other: Path) -> bool:
        """Tell whether two files have the same bytes; False, with a note, if one can't be read."""
        try:
            return filecmp.cmp(one, other, shallow=False)
        except OSError as error:
            self._leave_out(other, f"it can't be compared with {self.relative(one)}: {error.strerror}")
            return False

    def holds(self, path: Path) -> bool:
        """Tell whether a path is inside the installation once links are resolved."""
        return path.resolve().is_relative_to(self.root)

    def _below(self, place: Path) -> Iterator[OldImageFile]:
        for user in self._numbered(place):
            for folder in self._numbered(user):
                for path in self._walk(folder, frozenset({folder.resolve()})):
                    tail = of_path(path.relative_to(folder))
                    yield OldImageFile(int(user.name), int(folder.name), tail, path)

    def _numbered(self, place: Path) -> Iterator[Path]:
        for path in self._entries(place):
            if NUMBER.fullmatch(path.name) and path.is_dir() and self._is_inside(path):
                yield path

    def _walk(self, folder: Path, above: frozenset[Path]) -> Iterator[Path]:
        """Yield the files in a folder and its subfolders; links must not lead back to folders in `above`."""
        for path in self._entries(folder):
            if path.is_symlink() and not self._is_inside(path):
                continue
            if path.is_file():
                yield path
            elif path.is_dir():
                place = path.resolve()
                if place not in above:
                    yield from self._walk(path, above | {place})

    def _entries(self, folder: Path) -> list[Path]:
        try:
            with os.scandir(folder) as entries:
                return sorted(folder / entry.name for entry in entries)
        except OSError as error:
            self._leave_out(folder, f"it can't be read: {error.strerror}")
            return []

    def _is_inside(self, path: Path) -> bool:
        try:
            if self.holds(path) and path.exists():
                return True
        except (OSError, RuntimeError):
            pass  # a loop of links leads nowhere
        self._leave_out(path, _IS_OUTSIDE)
        return False

    def _leave_out(self, path: Path, reason: str) -> None:
        self.notes.append(skipped(Kind.FILE, self.relative(path), reason))
