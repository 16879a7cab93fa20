"""Give a deployment its first model; a deployment that has a model keeps it."""

from __future__ import annotations

from collections.abc import Callable

from deployment.models.catalogue import find
from deployment.models.choice import choose, chosen
from deployment.models.library import Library
from deployment.settings import DeploymentSettings
from deployment.target import Target

Say = Callable[[str], None]


def install(settings: DeploymentSettings, name: str, say: Say) -> None:
    """Install a model, and show the progress at the terminal."""
    from rich.console import Console  # these take seconds to import, and most starts install nothing

    from deployment.models.install import install as install_model
    from deployment.models.progress import InstallationProgress

    say(f"Installing the model {name}. This happens once; GLIMPSE_MODEL=demo uses the demo model instead.")
    with InstallationProgress(Console()) as progress:
        install_model(find(name), Library.of(settings.home), progress)


def give(settings: DeploymentSettings, target: Target, name: str, *, deployed: bool) -> None:
    """Give a deployment its model, unless it has one.

    Parameters
    ----------
    settings
        The home folder.
    target
        The deployment.
    name
        The installed model.
    deployed
        Whether something was deployed just now. If not, the recorded choice is trusted without asking the
        deployment.

    Raises
    ------
    UserError
        If the model is not installed, or the deployment rejects it.
    """
    before = chosen(settings.home, target.key)
    if before is not None and not deployed:
        return
    from deployment.models.publish import begin, generations  # pynamodb is slow to import, too

    if generations(target) is None:
        begin(Library.of(settings.home).bundle(name), target)
    if before is None:
        choose(settings.home, name, target.key)
