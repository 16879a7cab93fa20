"""The list of a bundle's files, which verifies part of a bundle against the digest of the whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from glimpse.encoder import Bundle
from glimpse.encoder.bundle import digest_of_files
from glimpse.shelf.errors import BundleDamaged

FILES = "files.json"
"""The list's name, beside ``config.json``."""

MODEL = "model.onnx"
"""The file of a half that is written last, since it makes the half count as present."""

_PATH = re.compile(r"config\.json|(visual|textual)/[^/\\\x00-\x1f]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file: its path in the bundle, its size in bytes, its SHA-256 (hex)."""

    path: str
    size: int
    sha256: str

    @property
    def half(self) -> str | None:
        """``visual``, ``textual``, or None for the configuration."""
        folder, slash, _ = self.path.partition("/")
        return folder if slash else None


@dataclass(frozen=True)
class Listing:
    """The name of a bundle, and its files in the order in which the digest covers them.

    The name is for people only; the digest does not cover it.
    """

    name: str
    files: tuple[ListedFile, ...]

    @classmethod
    def of(cls, bundle: Bundle) -> Listing:
        """List the files of a bundle, reading every byte."""
        return cls(bundle.name, tuple(ListedFile(*file) for file in bundle.hashed_files()))

    @classmethod
    def of_folder(cls, root: Path) -> Listing:
        """Return the list of a folder's bundle: the list in the folder, or else a new one.

        Raises
        ------
        BundleError
            If there is no list, and the folder is not a bundle.
        BundleDamaged
            If the list is invalid.
        """
        own = root / FILES
        return cls.parse(own.read_bytes(), str(own)) if own.is_file() else cls.of(Bundle.load(root))

    @classmethod
    def parse(cls, data: bytes, source: str) -> Listing:
        """Parse a list that :meth:`dump` wrote.

        Parameters
        ----------
        data
            The bytes of the file or object.
        source
            Where they come from, for error messages.

        Raises
        ------
        BundleDamaged
            If it is not such a list, or names a file outside the bundle.
        """
        try:
            value = json.loads(data)
            files = tuple(_file(entry) for entry in value["files"])
            name = str(value["name"])
        except (ValueError, KeyError, TypeError) as error:
            raise BundleDamaged(f"{source} is not a list of a bundle's files: {error!r}") from error
        return cls(name, files)

    def dump(self) -> bytes:
        """Return the list as JSON."""
        files = [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in self.files]
        return (json.dumps({"name": self.name, "files": files}, indent=2) + "\n").encode()

    @cached_property
    def digest(self) -> str:
        """The bundle digest: equal to :attr:`glimpse.encoder.Bundle.digest` of the whole bundle."""
        return digest_of_files((file.path, file.sha256) for file in self.files)

    @property
    def halves(self) -> frozenset[str]:
        """The usable halves: those whose model is listed."""
        return frozenset(file.half for file in self.files if file.half and file.path.endswith(f"/{MODEL}"))

    def part(self, halves: Iterable[str]) -> list[ListedFile]:
        """Return the configuration and the files of some halves, models last.

        In this order, a half never looks complete before it is.
        """
        wanted = {None, *halves}
        files = [file for file in self.files if file.half in wanted]
        return sorted(files, key=lambda file: file.path.endswith(f"/{MODEL}"))


def _file(entry: dict[str, Any]) -> ListedFile:
    path, size, sha256 = entry["path"], entry["size"], entry["sha256"]
    if not (isinstance(path, str) and _PATH.fullmatch(path)) or path.endswith(("/.", "/..")):
        raise ValueError(f"{path!r} is not a file of a bundle")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"{size!r} is not a size")
    if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise ValueError(f"{sha256!r} is not a SHA-256")
    return ListedFile(path, size, sha256)
