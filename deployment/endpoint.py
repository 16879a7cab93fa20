"""AWS's APIs outside AWS: an emulator's endpoint, with the credentials that it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deployment.errors import UserError
from deployment.stack import outputs_of


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that answers as AWS does.

    Attributes
    ----------
    url
        Its URL, for example ``http://127.0.0.1:4566``.
    environment
        The variables that point AWS's SDKs and the CDK at it, including credentials and region.
    """

    url: str
    environment: Mapping[str, str]

    def session(self) -> boto3.Session:
        """Return a session with the operator's credentials."""
        return boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_REGION"],
        )

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients by name
        """Create a boto3 client for the endpoint, with the operator's credentials."""
        # By default boto3 still presigns S3 URLs with Signature Version 2, which the gate refuses.
        config = Config(signature_version="s3v4") if service == "s3" else None
        return self.session().client(  # type: ignore[call-overload]
            service, endpoint_url=self.url, config=config
        )

    def stack_outputs(self) -> dict[str, str] | None:
        """Read the stack's outputs; None if it is missing or incomplete.

        Raises
        ------
        UserError
            If the endpoint does not answer.
        """
        try:
            return outputs_of(self.client("cloudformation"))
        except ClientError as error:
            raise UserError(f"{self.url} refused to describe the stack: {error}.") from error
        except BotoCoreError as error:
            raise UserError(f"No emulator answers at {self.url} ({error}); start it first.") from error
