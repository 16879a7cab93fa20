"""A deployment on in-process AWS, and an import into it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from migration.old.spelling import Spelling
from migration.options import Options
from migration.report import Report
from migration.session import migrate
from tests.integration.migration.deployment import Deployment
from tests.integration.migration.old import OldInstallation

_USUAL = Spelling()


@dataclass
class Listener:
    """Remembers what it was told; `step` is called with every image batch."""

    said: list[str] = field(default_factory=list)
    done: int = 0
    step: Callable[[], None] = lambda: None

    def say(self, text: str) -> None:
        self.said.append(text)

    def images(self, done: int) -> None:
        self.done += done
        self.step()


@contextmanager
def deployed() -> Iterator[Deployment]:
    """Give an empty deployment on in-process AWS."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        yield Deployment.create()


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with deployed() as made:
        yield made


@pytest.fixture
def run(deployment: Deployment, tmp_path: Path) -> Callable[..., Report]:
    return importing(deployment, tmp_path)


def importing(deployment: Deployment, folder: Path) -> Callable[..., Report]:
    """Give what imports an installation; nothing is waited for, since nothing embeds here."""

    def do(
        root: Path,
        tables: Path | None,
        *,
        dry_run: bool = False,
        state: str = "state",
        spelling: Spelling = _USUAL,
        watcher: Listener | None = None,
        **options: Any,
    ) -> Report:
        return migrate(
            deployment.target,
            root,
            tables,
            spelling,
            Options(patience_seconds=0.0, **options),
            folder / state,
            watcher or Listener(),
            dry_run=dry_run,
        )

    return do


@pytest.fixture
def old(tmp_path: Path) -> OldInstallation:
    """One user with one folder of three images."""
    found = OldInstallation(tmp_path / "old")
    found.user(1, "ada", "0" * 32)
    found.folder(3, 1, "Sea")
    for image_id in (10, 11, 12):
        found.image(image_id, 1, 3, f"{image_id}.png")
    found.index(1, 3, [10, 11, 12])
    return found


@pytest.fixture
def tables(old: OldInstallation, tmp_path: Path) -> Callable[[], Path]:
    return lambda: old.json(tmp_path / "tables.json")
