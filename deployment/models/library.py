"""The models that are installed on this machine."""

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
"""The demo model comes with the repository."""


@dataclass(frozen=True, slots=True)
class Library:
    """The folder with one bundle per installed model, and the demo model beside it.

    Attributes
    ----------
    folder
        ``models`` under the home folder; need not exist yet.
    """

    folder: Path

    @classmethod
    def of(cls, home: Path) -> Library:
        """Return the library of a home folder (``GLIMPSE_HOME``)."""
        return cls(home / "models")

    def names(self) -> list[str]:
        """Return the installed models' names, the demo model's last."""
        installed = sorted(path.parent.name for path in self.folder.glob("[!.]*/config.json"))
        return [*installed, DEMO]

    def name_of(self, name: str) -> str:
        """Return the name that a model is or would be installed as, from any of its names."""
        return name if name in self.names() else find(name).name

    def path(self, name: str) -> Path:
        """Return the folder that a model is or would be installed in."""
        name = self.name_of(name)
        return DEMO_FOLDER if name == DEMO else self.folder / name

    def has(self, name: str) -> bool:
        """Whether a model is installed."""
        return (self.path(name) / "config.json").is_file()

    def bundle(self, name: str) -> Bundle:
        """Open an installed model.

        Raises
        ------
        UserError
            If it is not installed, or has been damaged since.
        """
        if not self.has(name):
            raise UserError(f"The model {name} is not installed; `glimpse model install {name}` does that.")
        try:
            return complete(self.path(name))
        except BundleError as error:
            raise UserError(
                f"{error}; remove {self.path(name)} and `glimpse model install {name}` again."
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from installing meanwhile; waits for one that does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def complete(path: Path) -> Bundle:
    """Open the bundle in a folder and see that it has both halves.

    Raises
    ------
    BundleError
        If it is not usable.
    """
    bundle = Bundle.load(path)
    for half in ("visual", "textual"):
        bundle.model_path(half)
    return bundle
