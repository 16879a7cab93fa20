"""The `glimpse` command as it is installed: from any folder, in sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.target import running
from deployment.models.catalogue import CATALOGUE
from deployment.settings import ROOT
from local.settings import LocalSettings

GLIMPSE = Path(sys.executable).with_name("glimpse")


def glimpse(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder that is not the repository, without what the tests' own path would give."""
    environment = {"GLIMPSE_HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "100", "EMULATOR_PORT": "9"}
    return subprocess.run(
        [str(GLIMPSE), *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False
    )


def test_models_are_listed_with_what_they_are_for(tmp_path: Path) -> None:
    result = glimpse(tmp_path, "model", "list")
    assert result.returncode == 0, result.stderr
    for model in CATALOGUE:
        assert model.name in result.stdout
        assert model.licence in result.stdout
    assert "demo  installed" in result.stdout


def test_the_chosen_model_is_described(tmp_path: Path) -> None:
    nothing = glimpse(tmp_path, "model", "info")
    assert nothing.returncode == 1
    assert nothing.stderr == "glimpse: No model has been chosen yet; name one, or run `make run` first.\n"
    used = glimpse(tmp_path, "model", "use", "demo")
    assert used.returncode == 0, used.stderr
    result = glimpse(tmp_path, "model", "info")
    config = json.loads((ROOT / "models/demo/config.json").read_text())
    assert config["glimpse"]["space_id"] in result.stdout
    assert "demo  chosen" in glimpse(tmp_path, "model", "list").stdout


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = glimpse(tmp_path, "model", "--help").stdout
    assert all(command in shown for command in ("list", "install", "use", "info"))


def test_a_deployment_that_does_not_run_is_told_in_a_sentence(tmp_path: Path) -> None:
    from cli.target import resolve
    from deployment.errors import UserError

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLIMPSE_HOME", str(tmp_path))
        patch.setenv("EMULATOR_PORT", "9")
        with pytest.raises(
            UserError, match=r"not running at http://127\.0\.0\.1:9; start it with `make run`"
        ):
            resolve(aws=False)


def test_the_port_of_the_last_run_is_found_again(tmp_path: Path) -> None:
    settings = LocalSettings.from_environment({"GLIMPSE_HOME": str(tmp_path)})
    assert running(settings, {}).emulator_port == 4566
    (tmp_path / "deployed.json").write_text(json.dumps({"fingerprint": "", "emulator_port": 4999}))
    assert running(settings, {}).endpoint == "http://127.0.0.1:4999"
    assert running(settings, {"EMULATOR_PORT": "4566"}) is settings
    assert running(settings, {"AWS_ENDPOINT_URL": "http://localhost:1"}) is settings
