"""Which deployment a command talks to: the one on this machine, or the one in an AWS account."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import boto3
import typer
from glimpse.search_client import InvokeTransport

from local.account import Account
from local.deploy import STACK, session_of, stack_outputs
from local.emulator import is_ready
from local.errors import Trouble
from local.models.choice import MACHINE
from local.settings import Settings

AwsOption = Annotated[
    bool,
    typer.Option(
        "--aws", help="Talk to the AWS account of the environment's credentials, not to this machine's stack."
    ),
]
"""For every command that needs a deployment."""


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment that answers.

    Attributes
    ----------
    name
        What to call it in a sentence: ``this machine``, or ``AWS account 123456789012 in eu-west-1``.
    outputs
        The stack's outputs by name.
    session
        The operator's credentials and region.
    endpoint_url
        Where AWS's APIs are; None for AWS itself.
    key
        By which this machine notes what was chosen for the deployment.
    """

    name: str
    outputs: Mapping[str, str]
    session: boto3.Session
    endpoint_url: str | None
    key: str = MACHINE

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients by name
        """Make a boto3 client of one of the deployment's services."""
        return self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def transport(self) -> InvokeTransport:
        """Return the way to the search service's routes, the operator's among them."""
        return InvokeTransport(
            self.outputs["SearchAlias"], endpoint_url=self.endpoint_url, session=self.session
        )


def resolve(*, aws: bool) -> Target:
    """Find the deployment.

    Parameters
    ----------
    aws
        The account of the environment's credentials, rather than this machine's state (``GLIMPSE_HOME``).

    Raises
    ------
    Trouble
        If it doesn't run, is not deployed, or can't be reached.
    """
    return _account() if aws else _machine(Settings.from_environment())


def _machine(settings: Settings) -> Target:
    settings = running(settings)
    outputs = stack_outputs(settings) if is_ready(settings.endpoint) else None
    if outputs is None:
        raise Trouble(
            f"Glimpse doesn't run at {settings.endpoint}; start it with `make run`, or name an AWS deployment"
            " with --aws."
        )
    return Target("this machine", outputs, session_of(settings), settings.endpoint)


def running(settings: Settings, environment: Mapping[str, str] = os.environ) -> Settings:
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


def _account() -> Target:
    account = Account.of_environment()
    outputs = account.outputs()
    if outputs is None:
        raise Trouble(f"{account.name} has no stack {STACK}; `make deploy` makes one.")
    return Target(account.name, outputs, account.session, None, account.key)
