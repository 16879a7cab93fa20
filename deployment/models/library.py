"""The models installed on this machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glimpse.encoder import Bundle, BundleError

from deployment.errors import UserError
from deployment.models.catalogue import DEMO, find
from deployment.settings import ROOT

DEMO_FOLDER = ROOT / "models/demo"
"""The folder of the demo model, which comes with the repository."""


@dataclass(frozen=True, slots=True)
class Library:
    """The folder that holds one bundle per installed model; the demo model is part of the library, too.

    Attributes
    ----------
    folder
        ``models`` in the home folder; it need not exist yet.
    """

    folder: Path

    @classmethod
    def of(cls, home: Path) -> Library:
        """Return the library of a home folder (``GLIMPSE_HOME``)."""
        return cls(home / "models")

    def names(self) -> list[str]:
        """Return the names of the installed models, the demo model last."""
        installed = sorted(path.parent.name for path in self.folder.glob("[!.]*/config.json"))
        return [*installed, DEMO]

    def name_of(self, name: str) -> str:
        """Return the name under which a model is or would be installed, from any of its names."""
        return name if name in self.names() else find(name).name

    def path(self, name: str) -> Path:
        """Return the folder in which a model is or would be installed."""
        name = self.name_of(name)
        return DEMO_FOLDER if name == DEMO else self.folder / name

    def has(self, name: str) -> bool:
        """Tell whether a model is installed."""
        return (self.path(name) / "config.json").is_file()

    def bundle(self, name: str) -> Bundle:
        """Open an installed model.

        Raises
        ------
        UserError
            If it is not installed, or is damaged.
        """
        if not self.has(name):
            raise UserError(f"The model {name} is not installed; run `glimpse model install {name}`.")
        try:
            return complete(self.path(name))
        except BundleError as error:
            raise UserError(
                f"{error}; delete {self.path(name)}, then run `glimpse model install {name}` again."
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the library's lock, so that only one process installs at a time; wait for it if needed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def complete(path: Path) -> Bundle:
    """Open the bundle in a folder, and check that it has both halves.

    Raises
    ------
    BundleError
        If it can't be used.
    """
    bundle = Bundle.load(path)
    for half in ("visual", "textual"):
        bundle.model_path(half)
    return bundle
