"""The deployment on this machine, and the clients that reach it."""

from __future__ import annotations

from collections.abc import Mapping

from deployment.endpoint import Endpoint
from deployment.models.choice import MACHINE
from deployment.target import Target
from local.settings import LocalSettings


def machine_endpoint(settings: LocalSettings) -> Endpoint:
    """Return where the deployment of ``make run`` is, or will be.

    Raises
    ------
    UserError
        If the embedded emulator has never been started from the home folder.
    """
    return Endpoint(settings.endpoint, settings.aws_environment())


def stack_outputs(settings: LocalSettings) -> dict[str, str] | None:
    """Read the outputs of this machine's stack; None if it is missing or incomplete.

    Raises
    ------
    UserError
        If the endpoint does not answer.
    """
    return machine_endpoint(settings).stack_outputs()


def machine_target(settings: LocalSettings, outputs: Mapping[str, str]) -> Target:
    """Return the deployment of ``make run``."""
    endpoint = machine_endpoint(settings)
    return Target("this machine", MACHINE, outputs, endpoint.session(), endpoint.url)
