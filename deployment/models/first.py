"""Gives a deployment its first model; one that has a model keeps it."""

from __future__ import annotations

from collections.abc import Callable

from deployment.models.catalogue import find
from deployment.models.choice import choose, chosen
from deployment.models.library import Library
from deployment.settings import DeploymentSettings
from deployment.target import Target

Say = Callable[[str], None]


def install(settings: DeploymentSettings, name: str, say: Say) -> None:
    """Install a model, with its progress at the terminal."""
    from rich.console import Console  # these take seconds to import, and most starts install nothing

    from deployment.models.install import install as install_model
    from deployment.models.progress import InstallationProgress

    say(f"Installing the model {name}, once; `GLIMPSE_MODEL=demo make run` does without.")
    with InstallationProgress(Console()) as progress:
        install_model(find(name), Library.of(settings.home), progress)


def give(settings: DeploymentSettings, target: Target, name: str, *, deployed: bool) -> None:
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
    UserError
        If the model is not installed, or the deployment does not take it.
    """
    before = chosen(settings.home, target.key)
    if before is not None and not deployed:
        return
    from deployment.models.publish import begin, generations  # pynamodb takes its time, too

    if generations(target) is None:
        begin(Library.of(settings.home).bundle(name), target)
    if before is None:
        choose(settings.home, name, target.key)
