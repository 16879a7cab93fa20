"""Choose the model that the deployment on this machine starts with."""

from __future__ import annotations

from collections.abc import Callable

from deployment.errors import UserError
from deployment.models import first
from deployment.models.catalogue import DEFAULT, DEMO, find
from deployment.models.choice import Choice, chosen, different
from deployment.models.library import Library
from local.settings import LocalSettings


def decide(settings: LocalSettings, say: first.Say) -> str:
    """Choose the model for ``make run``, and install it if necessary; see :func:`model_of`."""
    return model_of(settings, lambda name: first.install(settings, name, say), say)


def model_of(settings: LocalSettings, get: Callable[[str], None], say: Callable[[str], None]) -> str:
    """Choose the model that ``make run`` gives this machine's deployment.

    The deployment keeps the model it has. A new one gets the model that ``GLIMPSE_MODEL`` names, or else the
    default model, or the demo model if no hub can be reached.

    Parameters
    ----------
    settings
        The home folder, and ``GLIMPSE_MODEL``.
    get
        Installs a model.
    say
        Prints one line for the person at the terminal.

    Raises
    ------
    UserError
        If ``GLIMPSE_MODEL`` names a different model from the deployment's, or the model can't be installed.
    """
    library = Library.of(settings.home)
    wanted = library.name_of(settings.model) if settings.model else None
    choice = chosen(settings.home) or _of_old_state(settings)
    if choice is not None:
        if wanted not in {None, choice.name, choice.began_with}:
            raise UserError(different(wanted or "", choice.name, "unset GLIMPSE_MODEL to start"))
        return choice.name
    if wanted is None and not library.has(DEFAULT):
        from deployment.models import (
            hub,  # imported here because its client takes a second to load, and later starts don't need it
        )

        reason = hub.why_not(find(DEFAULT))
        if reason is not None:
            say(
                f"Using the demo model: {reason}. Once the hub can be reached, run"
                f" `glimpse model install {DEFAULT}` to install a real one."
            )
            return DEMO
    name = wanted or DEFAULT
    if not library.has(name):
        get(name)
    return name


def _of_old_state(settings: LocalSettings) -> Choice | None:
    """Recognise state from before models could be chosen: it was made with the demo model."""
    if settings.external_endpoint is None and (settings.home / "emulator/state").exists():
        return Choice(DEMO, DEMO)
    return None
