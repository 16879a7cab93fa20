"""README's commands, as a reader pastes them: the blocks marked ``bash``, one after the other in one shell.

What needs AWS, or a network of others, is marked otherwise there.
"""

import re
import subprocess
import sys
from pathlib import Path

from deployment.settings import ROOT
from tests.docs.markdown import document
from tests.e2e.stack import Stack


def test_the_commands_of_the_readme_work_one_after_the_other(stack: Stack, tmp_path: Path) -> None:
    blocks = [fence.text for fence in document("README.md").fences if fence.language == "bash"]
    assert len(blocks) >= 4
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    said = _run(stack, tmp_path, "\n".join(blocks))

    assert '"username":"ada"' in said
    assert re.search(r'"status":"COMPLETED"', said)
    # Those of the four searches that show something: words, more like one image, by a picture.
    assert len(re.findall(r'\{"results":\[\{"image":', said)) == 3
    assert "coffee.png" in said
    assert (tmp_path / "holidays.npz").stat().st_size > 0
    assert re.search(r"indexes/\S+: sound\.", said)


def _run(stack: Stack, folder: Path, script: str) -> str:
    """Run commands in a folder, against the stack's ports, and return what they print."""
    here = script.replace("localhost:9999", stack.api_url.removeprefix("http://"))
    here = here.replace(".venv/bin/glimpse", f"{sys.executable} -m cli.main")
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here.replace("curl ", "curl --silent --show-error --fail ")],
        cwd=folder,
        env={**stack.environment, "PYTHONPATH": str(ROOT), "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout
