"""`python -m deployment`: what `make deploy` says where it can't deploy."""

import os
import subprocess
import sys
from pathlib import Path

from deployment.settings import ROOT, DeploymentSettings


def deploy(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "deployment", *arguments],
        cwd=ROOT,
        env={**ours, "GLIMPSE_HOME": str(home), "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_missing_is_one_sentence_and_an_exit_code(tmp_path: Path) -> None:
    refused = deploy(tmp_path, "deploy", API_PORT="no port, and no business of a deployment to AWS")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "glimpse: No AWS region is set; set AWS_REGION.\n"


def test_it_does_nothing_by_itself(tmp_path: Path) -> None:
    refused = deploy(tmp_path)
    assert refused.returncode == 2
    assert "the following arguments are required: command" in refused.stderr


def test_settings_have_their_defaults() -> None:
    assert DeploymentSettings.from_environment({}) == DeploymentSettings(home=ROOT / ".glimpse", model=None)
    empty = {"GLIMPSE_HOME": "", "GLIMPSE_MODEL": ""}
    assert DeploymentSettings.from_environment(empty) == DeploymentSettings.from_environment({})


def test_settings_are_what_the_environment_says(tmp_path: Path) -> None:
    said = {"GLIMPSE_HOME": f"{tmp_path}/elsewhere/..", "GLIMPSE_MODEL": "demo"}
    assert DeploymentSettings.from_environment(said) == DeploymentSettings(home=tmp_path, model="demo")
