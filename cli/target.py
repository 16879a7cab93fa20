"""Find the deployment that a command talks to: on this machine, or in an AWS account."""

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
        "--aws", help="Use the deployment in the AWS account of your credentials, not this machine's."
    ),
]
"""The option of every command that needs a deployment."""


def resolve(*, aws: bool) -> Target:
    """Find the deployment.

    Parameters
    ----------
    aws
        Use the account of the environment's credentials, instead of this machine's state (``GLIMPSE_HOME``).

    Raises
    ------
    UserError
        If it isn't running, isn't deployed, or can't be reached.
    """
    if not aws:
        return machine(LocalSettings.from_environment())
    account = Account.of_environment()
    target = account.target()
    if target is None:
        raise UserError(f"{account.name} has no stack {STACK}; run `make deploy` to create it.")
    return target


def machine(settings: LocalSettings) -> Target:
    """Return this machine's deployment.

    Raises
    ------
    UserError
        If it isn't running.
    """
    target = machine_if_running(settings)
    if target is None:
        raise UserError(
            f"Glimpse is not running at {running(settings).endpoint}; start it with `make run`, or use --aws"
            " for a deployment in AWS."
        )
    return target


def machine_if_running(settings: LocalSettings) -> Target | None:
    """Return this machine's deployment; None if it isn't running."""
    settings = running(settings)
    outputs = stack_outputs(settings) if is_ready(settings.endpoint) else None
    return None if outputs is None else machine_target(settings, outputs)


def running(settings: LocalSettings, environment: Mapping[str, str] = os.environ) -> LocalSettings:
    """Return the settings with the last run's emulator port, unless the environment names one.

    So a command finds the stack that ``make run`` started on another port.
    """
    if environment.get("AWS_ENDPOINT_URL") or environment.get("EMULATOR_PORT"):
        return settings
    try:
        port = json.loads((settings.home / "deployed.json").read_text())["emulator_port"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return settings  # nothing has been deployed from here yet: the default is as good as any
    return replace(settings, emulator_port=int(port))
