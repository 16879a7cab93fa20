"""The grants that the comparison of calls with roles reads, which happens only after a whole run."""

import json
import subprocess
import sys
from pathlib import Path

from deployment.settings import ROOT


def test_every_function_has_grants(tmp_path: Path) -> None:
    target = tmp_path / "grants.json"
    subprocess.run([sys.executable, "-m", "tests.grants.policies", str(target)], cwd=ROOT, check=True)
    grants = json.loads(target.read_text())
    assert {"api", "embed", "search", "upkeep"} <= {name.lower() for name in grants}
    assert all(grants.values())
