"""Which model a deployment is to have: chosen at its first start, and by ``glimpse model use`` later."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deployment.errors import UserError

MACHINE = "machine"
"""The deployment that ``make run`` starts; those in AWS have keys of their own."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a deployment.

    Attributes
    ----------
    name
        The model that it is to have. Until ``glimpse reindex`` it may still have another.
    began_with
        The model that it began with.
    """

    name: str
    began_with: str


def chosen(home: Path, deployment: str = MACHINE) -> Choice | None:
    """Read what was chosen for a deployment; None before its first start."""
    note = _note(home, deployment)
    try:
        content = json.loads(note.read_text())
        return Choice(str(content["name"]), str(content["began_with"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{note} is damaged; remove it, and choose with `glimpse model use`.") from error


def choose(home: Path, name: str, deployment: str = MACHINE) -> Choice:
    """Note which model a deployment is to have."""
    before = chosen(home, deployment)
    choice = Choice(name, before.began_with if before else name)
    note = _note(home, deployment)
    note.parent.mkdir(parents=True, exist_ok=True)
    written = note.with_suffix(".new")
    written.write_text(json.dumps(asdict(choice)) + "\n")
    written.replace(note)
    return choice


def different(wanted: str, current: str, otherwise: str, option: str = "") -> str:
    """Say how a deployment comes to another model than it has."""
    return (
        f"The model here is {current}, not {wanted}; `glimpse model use {wanted}{option}` and"
        f" `glimpse reindex{option}` change it without downtime, or {otherwise} with {current}."
    )


def _note(home: Path, deployment: str) -> Path:
    return home / ("model.json" if deployment == MACHINE else f"model-{deployment}.json")
