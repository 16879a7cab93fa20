"""The files of an old installation: indexes by owner and folder, and images by the paths that rows give."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from local.errors import Trouble

_HOMES = ("", "python-backend", "search-service", "data")
"""Where a repository of the old system keeps what a container has at its root."""

_INDEX_FOLDERS = ("data/indexes", "faiss_indexes", "faisses_indexes")
"""The later one first: a move left the earlier one behind."""

_IMAGES = "images"
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A FAISS file, and whose it is."""

    user_id: int
    folder_id: int
    path: Path


class OldTree:
    """The folder of an old installation; nothing in it is ever opened for writing.

    Parameters
    ----------
    root
        The folder.

    Raises
    ------
    Trouble
        If there is no such folder, or neither images nor indexes in it.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise Trouble(f"There is no folder {root}.")
        self.root = root.resolve()
        homes = [self.root / home for home in _HOMES]
        self._images = [home / _IMAGES for home in homes if (home / _IMAGES).is_dir()]
        self._indexes = [home / name for name in _INDEX_FOLDERS for home in homes if (home / name).is_dir()]
        if not self._images and not self._indexes:
            raise Trouble(
                f"{root} holds neither images/ nor {'/, '.join(_INDEX_FOLDERS)}/:"
                " it is not the folder of an old installation."
            )

    def index_files(self) -> tuple[dict[tuple[int, int], IndexFile], list[Path]]:
        """Return the FAISS files by owner and folder, and those that are misplaced or have a later copy."""
        found: dict[tuple[int, int], IndexFile] = {}
        passed_over: list[Path] = []
        for folder in self._indexes:
            for path in sorted(folder.rglob("*.faiss")):
                parts = path.relative_to(folder).with_suffix("").parts
                if (
                    len(parts) != 2
                    or not all(_NUMBER.fullmatch(part) for part in parts)
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

    def image_files(self) -> Iterator[tuple[int, int, Path]]:
        """Yield owner, folder and path of every file below ``images/{user}/{folder}/``, in order."""
        for images in self._images:
            for path in sorted(images.rglob("*")):
                parts = path.relative_to(images).parts
                if len(parts) < 3 or not all(_NUMBER.fullmatch(part) for part in parts[:2]):
                    continue
                if path.is_file() and self.holds(path):
                    yield int(parts[0]), int(parts[1]), path

    def find(self, said: str, user_id: int, folder_id: int) -> Path | None:
        """Return the file that a row's path means, or None.

        The path may be relative to the installation, absolute on a machine that is long gone
        (``/app/images/1/3/cat.jpg``), or a bare name. What lies outside of the installation is not taken.
        """
        parts = [part for part in PurePosixPath(said.replace("\\", "/")).parts if part not in ("/", ".")]
        if not parts or "\0" in said:
            return None
        candidates = [self.root.joinpath(*parts)]
        for images in self._images:
            for place, part in enumerate(parts):
                if part == _IMAGES:
                    candidates.append(images.joinpath(*parts[place + 1 :]))
            own = images / str(user_id) / str(folder_id)
            candidates += [own.joinpath(*parts), own / parts[-1]]
        return next((path for path in candidates if self._is_file(path)), None)

    def holds(self, path: Path) -> bool:
        """Tell whether a path, links followed, lies in the installation."""
        return path.resolve().is_relative_to(self.root)

    def _is_file(self, path: Path) -> bool:
        try:
            return self.holds(path) and path.is_file()
        except (OSError, RuntimeError):  # a name too long for the file system, or a loop of links
            return False
