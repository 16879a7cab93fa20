"""The AWS account that the environment's credentials belong to."""

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
        The account id, twelve digits.
    region
        The AWS region, for example ``eu-west-1``.
    """

    session: boto3.Session
    number: str
    region: str

    @classmethod
    def of_environment(cls) -> Account:
        """Look up the account that the environment's credentials belong to.

        Raises
        ------
        UserError
            If there are no credentials, no region is set, or AWS does not answer.
        """
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        if session.region_name is None:
            raise UserError("No AWS region is set; set AWS_REGION.")
        try:
            number = session.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"AWS did not accept the environment's credentials: {error}.") from error
        return cls(session, number, session.region_name)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"AWS account {self.number} in {self.region}"

    @property
    def key(self) -> str:
        """The key under which this machine records the model chosen for its deployment."""
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
            raise UserError(f"Can't look up the stack {STACK} in {self.name}: {error}.") from error
        return None if outputs is None else Target(self.name, self.key, outputs, self.session, None)
