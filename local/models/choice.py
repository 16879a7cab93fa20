"""Which model a deployment is to have: chosen at its first start, and by ``glimpse model use`` later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from local.errors import Trouble
from local.models.catalogue import DEFAULT, DEMO, find
from local.models.library import Library
from local.settings import Settings

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
        raise Trouble(f"{note} is damaged; remove it, and choose with `glimpse model use`.") from error


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


def model_of(settings: Settings, get: Callable[[str], None], say: Callable[[str], None]) -> str:
    """Decide which model ``make run`` gives this machine's deployment.

    Its own, if it has one. Else the one that ``GLIMPSE_MODEL`` names; else the default model; or the demo
    model where no hub can be reached.

    Parameters
    ----------
    settings
        The home folder, and ``GLIMPSE_MODEL``.
    get
        Installs a model.
    say
        Tells the person at the terminal something, in one line.

    Raises
    ------
    Trouble
        If ``GLIMPSE_MODEL`` names another model than the deployment has, or the model can't be installed.
    """
    library = Library.of(settings.home)
    wanted = library.name_of(settings.model) if settings.model else None
    choice = chosen(settings.home) or _of_old_state(settings)
    if choice is not None:
        if wanted not in {None, choice.name, choice.began_with}:
            raise Trouble(different(wanted or "", choice.name, "unset GLIMPSE_MODEL to start"))
        return choice.name
    if wanted is None and not library.has(DEFAULT):
        from local.models import hub  # the hub's client takes a second to import, which later starts needn't

        reason = hub.why_not(find(DEFAULT))
        if reason is not None:
            say(
                f"Taking the demo model: {reason}. `glimpse model install {DEFAULT}` gets a real one when the"
                " hub is there."
            )
            return DEMO
    name = wanted or DEFAULT
    if not library.has(name):
        get(name)
    return name


def different(wanted: str, current: str, otherwise: str, option: str = "") -> str:
    """Say how a deployment comes to another model than it has."""
    return (
        f"The model here is {current}, not {wanted}; `glimpse model use {wanted}{option}` and"
        f" `glimpse reindex{option}` change it without downtime, or {otherwise} with {current}."
    )


def _of_old_state(settings: Settings) -> Choice | None:
    """Recognise a state from before there were models to choose from: it was made with the demo model."""
    if settings.external_endpoint is None and (settings.home / "emulator/state").exists():
        return Choice(DEMO, DEMO)
    return None


def _note(home: Path, deployment: str) -> Path:
    return home / ("model.json" if deployment == MACHINE else f"model-{deployment}.json")
