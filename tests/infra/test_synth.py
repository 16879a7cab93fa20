"""The synthesis as the command line does it: cdk-nag's findings fail it."""

import subprocess
import sys
from pathlib import Path

from deployment.settings import ROOT


def _synth(output: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "deployment.cdk",
        "synth",
        "--quiet",
        "--output",
        str(output),
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_the_rules_of_cdk_nag_find_nothing_that_is_not_answered_for(tmp_path: Path) -> None:
    # The layers of packages, for which pip needs a minute, are nothing to cdk-nag.
    result = _synth(tmp_path / "out", "--context", "unbundled=true")
    assert result.returncode == 0, result.stderr[-3000:]
    assert (tmp_path / "out/Glimpse.template.json").exists()


def test_what_is_found_fails_the_synthesis(tmp_path: Path) -> None:
    app = (
        "from aws_cdk import App, Stack, Validations; from aws_cdk.aws_s3 import Bucket;"
        "from cdk_nag import AwsSolutionsChecks; app = App(); Bucket(Stack(app, 'S'), 'B');"
        "Validations.of(app).add_plugins(AwsSolutionsChecks(app)); app.synth()"
    )
    result = _synth(tmp_path / "out", "--app", f'{sys.executable} -c "{app}"')
    assert result.returncode != 0
    assert "AwsSolutions-S1" in result.stdout + result.stderr
