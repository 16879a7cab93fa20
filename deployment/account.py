"""The AWS account of the environment's credentials."""

from __future__ import annotations

import os
from dataclasses import dataclass

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment.errors import UserError
from deployment.stack import STACK, outputs_of
from deployment.target import Target


@dataclass(frozen=True, slots=True)
class Account:
    """An account and a region, which may hold a deployment.

    Attributes
    ----------
    session
        The credentials.
    number
        The account's twelve digits.
    region
        AWS's name of the region.
    """

    session: boto3.Session
    number: str
    region: str

    @classmethod
    def of_environment(cls) -> Account:
        """Find out which account the environment's credentials are of.

        Raises
        ------
        UserError
            If there are none, no region is set, or AWS does not answer.
        """
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        if session.region_name is None:
            raise UserError("No AWS region is set; name one with AWS_REGION.")
        try:
            number = session.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"AWS does not accept the environment's credentials: {error}.") from error
        return cls(session, number, session.region_name)

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return f"AWS account {self.number} in {self.region}"

    @property
    def key(self) -> str:
        """By which this machine notes what was chosen for its deployment."""
        return f"aws-{self.number}-{self.region}"

    def target(self) -> Target | None:
        """Return its deployment; None if there is none.

        Raises
        ------
        UserError
            If AWS refuses or does not answer.
        """
        try:
            outputs = outputs_of(self.session.client("cloudformation"))
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"{self.name} can't be asked for the stack {STACK}: {error}.") from error
        return None if outputs is None else Target(self.name, self.key, outputs, self.session, None)
