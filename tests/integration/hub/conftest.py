"""A hub with a model, and the `glimpse` command as a person has it: installed, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest
from glimpse.encoder import Bundle

from tests.integration.hub.model_hub import ModelHub
from tests.unit.foundry.towers import write_bundle

NAME = "ViT-B-32__laion2b_s34b_b79k"
REPOSITORY = "immich-app/ViT-B-32__laion2b-s34b-b79k"
GLIMPSE = Path(sys.executable).with_name("glimpse")

PADDING = 25_000_000
"""The client writes what arrives in pieces of 10 MB: less than that is fetched anew, not resumed."""


@dataclass
class Terminal:
    """Runs `glimpse` on a machine of its own: home, client's cache, hub."""

    home: Path
    environment: dict[str, str]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [str(GLIMPSE), *arguments],
            cwd="/",
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it, to be stopped."""
        return subprocess.Popen(
            [str(GLIMPSE), *arguments], cwd="/", env=self.environment, stderr=subprocess.DEVNULL
        )

    def refused(self, *arguments: str, **environment: str) -> str:
        """Run what must fail, and give the one sentence that it says."""
        result = self.run(*arguments, **environment)
        assert result.returncode == 1, result.stdout + result.stderr
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("glimpse: ")
        return lines[0].removeprefix("glimpse: ")

    @property
    def installed(self) -> list[str]:
        """Everything in the folder of models, hidden or not, but its lock."""
        folder = self.home / "models"
        return sorted(path.name for path in folder.glob("*") if path.name != ".lock")

    def bundle(self, name: str = NAME) -> Bundle:
        """Open an installed model."""
        return Bundle.load(self.home / "models" / name)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in full precision, with a visual half that takes a while to send."""
    folder = write_bundle(tmp_path_factory.mktemp("source") / NAME)
    model = onnx.load(folder / "visual/model.onnx")
    model.doc_string = "x" * PADDING
    onnx.save(model, folder / "visual/model.onnx")
    return folder


@pytest.fixture
def hub(source: Path) -> Iterator[ModelHub]:
    """A hub that has the default model."""
    with ModelHub() as hub:
        hub.add(REPOSITORY, source)
        yield hub


@pytest.fixture
def terminal(hub: ModelHub, tmp_path: Path) -> Terminal:
    """A machine that reaches the hub and has nothing installed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {
        **kept,
        "GLIMPSE_HOME": str(tmp_path / "home"),
        "HF_HOME": str(tmp_path / "cache"),
        "HF_ENDPOINT": hub.url,
        "NO_PROXY": "127.0.0.1,localhost",
        "COLUMNS": "200",
    }
    return Terminal(tmp_path / "home", environment)
