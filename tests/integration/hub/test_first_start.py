"""The first `make run` takes a real model where it can, and says in one line why it can't."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

from deployment.settings import ROOT
from tests.integration.hub.conftest import NAME, Terminal
from tests.integration.hub.model_hub import ModelHub

DECIDE = """
from local.first_model import decide
from local.settings import LocalSettings
print("model", decide(LocalSettings.from_environment(), lambda line: print("said", line)))
"""


def decide(terminal: Terminal, **environment: str) -> list[str]:
    """Decide as `make run` does, in a process of its own; what was said, and the model last."""
    result = subprocess.run(
        [sys.executable, "-c", DECIDE],
        cwd=ROOT,
        env=terminal.environment | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return result.stdout.splitlines()


def test_a_machine_that_reaches_the_hub_takes_the_default_model(hub: ModelHub, terminal: Terminal) -> None:
    said, *_, model = decide(terminal)
    assert NAME in said
    assert "GLIMPSE_MODEL=demo uses the demo model" in said
    assert model == f"model {NAME}"
    assert terminal.installed == [NAME]
    hub.mend()
    assert decide(terminal) == [f"model {NAME}"]
    assert not hub.seen


def test_a_machine_that_does_not_says_so_in_a_line(hub: ModelHub, terminal: Terminal) -> None:
    for environment in ({"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}):
        line, model = decide(terminal, **environment)
        assert line.startswith("said Using the demo model")
        assert next(iter(environment)) in line or environment["HF_ENDPOINT"] in line
        assert model == "model demo"
    assert not hub.seen
    assert terminal.installed == []


def test_a_hub_that_never_answers_is_not_waited_for(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        line, model = decide(terminal, HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert time.monotonic() - began < 60  # five seconds, and what a busy machine takes to start a process
    assert "Using the demo model" in line
    assert model == "model demo"
