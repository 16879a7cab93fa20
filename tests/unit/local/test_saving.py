"""A state that can't be saved is told to those who wait, whichever service it is of; none is left out."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployment.settings import ROOT
from local.emulator import ministack
from local.emulator.saving import Saver
from local.emulator.undo import UndoLog

States = dict[str, Callable[[], dict[str, Any] | None]]


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> States:
    """What MiniStack has to save: two services, and one that has nothing."""
    states: States = {
        "dynamodb": lambda: {"tables": ["folders"]},
        "iam": lambda: {"users": ["ada"]},
        "kinesis": lambda: None,
    }
    monkeypatch.setattr(ministack, "states", lambda: states)
    return states


def saved(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    return {name: state["payload"] for name, state in content.items() if name != "undo"}


def saver(folder: Path) -> Saver:
    return Saver(folder / "state.json", UndoLog(folder / "undo", folder))


def test_the_states_of_all_services_are_saved(states: States, tmp_path: Path) -> None:
    asyncio.run(saver(tmp_path).save())
    assert saved(tmp_path / "state.json") == {"dynamodb": {"tables": ["folders"]}, "iam": {"users": ["ada"]}}


@pytest.mark.parametrize("service", ["dynamodb", "iam", "lambda", "cloudformation"])
def test_a_state_that_cannot_be_encoded_leaves_the_snapshot_before(
    service: str, states: States, tmp_path: Path
) -> None:
    async def run() -> None:
        each = saver(tmp_path)
        await each.save()
        states["dynamodb"] = lambda: {"tables": ["images"]}
        states[service] = lambda: {"of": object()}
        with pytest.raises(ValueError, match=f"the state of {service} can't be encoded: .*object"):
            await each.save()

    asyncio.run(run())
    assert saved(tmp_path / "state.json") == {"dynamodb": {"tables": ["folders"]}, "iam": {"users": ["ada"]}}


def broken() -> dict[str, Any]:
    return {}["gone"]  # type: ignore[no-any-return]


def test_who_waits_is_told_until_it_can_be_saved_again(states: States, tmp_path: Path) -> None:
    async def run() -> None:
        each = saver(tmp_path)
        saving = asyncio.create_task(each.run())
        good = states["iam"]
        states["iam"] = broken
        each.changed()
        with pytest.raises(ValueError, match="the state of iam can't be encoded: KeyError"):
            await each.saved()
        states["iam"] = good
        await each.saved()
        saving.cancel()

    asyncio.run(run())
    assert saved(tmp_path / "state.json")["iam"] == {"users": ["ada"]}


def test_what_other_threads_changed_meanwhile_is_encoded_anew(states: States, tmp_path: Path) -> None:
    tries = iter([RuntimeError("dictionary changed size during iteration"), None])

    def changing() -> dict[str, Any]:
        if error := next(tries):
            raise error
        return {"users": ["grace"]}

    states["iam"] = changing
    asyncio.run(saver(tmp_path).save())
    assert saved(tmp_path / "state.json")["iam"] == {"users": ["grace"]}


ALL = """
from ministack import app
from local.emulator import ministack
for service, module in app._state_map.items():
    state = app._get_module(module).get_state()
    assert state is None or ministack.encoded(service, state)
print(len(app._state_map))
"""


def test_every_service_of_the_release_can_be_saved() -> None:
    """Or one that nothing here uses would keep all others from being saved."""
    result = subprocess.run(
        [sys.executable, "-c", ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 50
