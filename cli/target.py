"""Which deployment a command talks to: the one on this machine, or the one in an AWS account."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import typer

from deployment.account import Account
from deployment.errors import UserError
from deployment.stack import STACK
from deployment.target import Target
from local.emulator.launcher import is_ready
from local.machine import machine_target, stack_outputs
from local.settings import LocalSettings

__all__ = ["AwsOption", "Target", "resolve"]

AwsOption = Annotated[
    bool,
    typer.Option(
        "--aws", help="Talk to the AWS account of the environment's credentials, not to this machine's stack."
    ),
]
"""For every command that needs a deployment."""


def resolve(*, aws: bool) -> Target:
    """Find the deployment.

    Parameters
    ----------
    aws
        The account of the environment's credentials, rather than this machine's state (``GLIMPSE_HOME``).

    Raises
    ------
    UserError
        If it doesn't run, is not deployed, or can't be reached.
    """
    if not aws:
        return machine(LocalSettings.from_environment())
    account = Account.of_environment()
    target = account.target()
    if target is None:
        raise UserError(f"{account.name} has no stack {STACK}; `make deploy` makes one.")
    return target


def machine(settings: LocalSettings) -> Target:
    """Return this machine's deployment.

    Raises
    ------
    UserError
        If it doesn't run.
    """
    target = machine_if_running(settings)
    if target is None:
        raise UserError(
            f"Glimpse doesn't run at {running(settings).endpoint}; start it with `make run`, or name an AWS"
            " deployment with --aws."
        )
    return target


def machine_if_running(settings: LocalSettings) -> Target | None:
    """Return this machine's deployment; None if it doesn't run."""
    settings = running(settings)
    outputs = stack_outputs(settings) if is_ready(settings.endpoint) else None
    return None if outputs is None else machine_target(settings, outputs)


def running(settings: LocalSettings, environment: Mapping[str, str] = os.environ) -> LocalSettings:
    """Return the settings with the emulator's port of the last run, where the environment doesn't name one.

    A command finds the stack that ``make run`` started on another port without being told the port again.
    """
    if environment.get("AWS_ENDPOINT_URL") or environment.get("EMULATOR_PORT"):
        return settings
    try:
        port = json.loads((settings.home / "deployed.json").read_text())["emulator_port"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return settings  # nothing was deployed from here yet: the default is as good as any
    return replace(settings, emulator_port=int(port))
