"""Which model the deployment on this machine begins with."""

from __future__ import annotations

from collections.abc import Callable

from deployment.errors import UserError
from deployment.models import first
from deployment.models.catalogue import DEFAULT, DEMO, find
from deployment.models.choice import Choice, chosen, different
from deployment.models.library import Library
from local.settings import LocalSettings


def decide(settings: LocalSettings, say: first.Say) -> str:
    """Decide which model ``make run`` is to use, and install it if it isn't; see :func:`model_of`."""
    return model_of(settings, lambda name: first.install(settings, name, say), say)


def model_of(settings: LocalSettings, get: Callable[[str], None], say: Callable[[str], None]) -> str:
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
    UserError
        If ``GLIMPSE_MODEL`` names another model than the deployment has, or the model can't be installed.
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
            hub,  # the hub's client takes a second to import, which later starts needn't
        )

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


def _of_old_state(settings: LocalSettings) -> Choice | None:
    """Recognise a state from before there were models to choose from: it was made with the demo model."""
    if settings.external_endpoint is None and (settings.home / "emulator/state").exists():
        return Choice(DEMO, DEMO)
    return None
