"""Gives a deployment its first model; one that has a model keeps it."""

from __future__ import annotations

from collections.abc import Callable

from local.models.catalogue import find
from local.models.choice import choose, chosen, model_of
from local.models.library import Library
from local.settings import Settings
from local.target import Target

Say = Callable[[str], None]


def decide(settings: Settings, say: Say) -> str:
    """Decide which model ``make run`` is to use, and install it if it isn't; see :func:`model_of`."""
    return model_of(settings, lambda name: install(settings, name, say), say)


def install(settings: Settings, name: str, say: Say) -> None:
    """Install a model, with its progress at the terminal."""
    from rich.console import Console  # these take seconds to import, and most starts install nothing

    from local.models.install import install as install_model
    from local.models.progress import Progress

    say(f"Installing the model {name}, once; `GLIMPSE_MODEL=demo make run` does without.")
    with Progress(Console()) as progress:
        install_model(find(name), Library.of(settings.home), progress)


def give(settings: Settings, target: Target, name: str, *, deployed: bool) -> None:
    """Bring a deployment its model, unless it has one.

    Parameters
    ----------
    settings
        The home folder.
    target
        The deployment.
    name
        The installed model.
    deployed
        Whether something was deployed just now: else what was noted of the last start holds, unasked.

    Raises
    ------
    Trouble
        If the model is not installed, or the deployment does not take it.
    """
    before = chosen(settings.home, target.key)
    if before is not None and not deployed:
        return
    from local.models.publish import begin, generations  # pynamodb takes its time, too

    if generations(target) is None:
        begin(Library.of(settings.home).bundle(name), target)
    if before is None:
        choose(settings.home, name, target.key)
