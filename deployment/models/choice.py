"""The model chosen for a deployment: at its first start, and later with ``glimpse model use``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deployment.errors import UserError

MACHINE = "machine"
"""The key of the deployment that ``make run`` starts; those in AWS have their own keys."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The model chosen for a deployment.

    Attributes
    ----------
    name
        The chosen model. Until ``glimpse reindex``, the deployment may still use another.
    began_with
        The model that the deployment started with.
    """

    name: str
    began_with: str


def chosen(home: Path, deployment: str = MACHINE) -> Choice | None:
    """Read the choice for a deployment; None before its first start."""
    note = _note(home, deployment)
    try:
        content = json.loads(note.read_text())
        return Choice(str(content["name"]), str(content["began_with"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{note} is damaged; delete it, and choose a model with `glimpse model use`."
        ) from error


def choose(home: Path, name: str, deployment: str = MACHINE) -> Choice:
    """Record the model chosen for a deployment."""
    before = chosen(home, deployment)
    choice = Choice(name, before.began_with if before else name)
    note = _note(home, deployment)
    note.parent.mkdir(parents=True, exist_ok=True)
    written = note.with_suffix(".new")
    written.write_text(json.dumps(asdict(choice)) + "\n")
    written.replace(note)
    return choice


def different(wanted: str, current: str, otherwise: str, option: str = "") -> str:
    """Explain how to give a deployment a different model."""
    return (
        f"This deployment uses {current}, not {wanted}; run `glimpse model use {wanted}{option}` and"
        f" `glimpse reindex{option}` to change it without downtime, or {otherwise} with {current}."
    )


def _note(home: Path, deployment: str) -> Path:
    return home / ("model.json" if deployment == MACHINE else f"model-{deployment}.json")
