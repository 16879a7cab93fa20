"""The deployment on this machine, and the clients that reach it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def client_for(settings: LocalSettings, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients by name
    """Create a boto3 client for this machine's endpoint, with the operator's credentials."""
    return machine_endpoint(settings).client(service)


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
