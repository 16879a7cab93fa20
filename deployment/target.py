"""A deployment, wherever it is: its outputs, and the clients that reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from glimpse.search_client import InvokeTransport


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment that is up.

    Attributes
    ----------
    name
        What messages call it: ``this machine``, or ``AWS account 123456789012 in eu-west-1``.
    key
        The key under which this machine records the model chosen for it.
    outputs
        The stack's outputs, keyed by name.
    session
        The operator's credentials and region.
    endpoint_url
        The endpoint of AWS's APIs; None for AWS itself.
    """

    name: str
    key: str
    outputs: Mapping[str, str]
    session: boto3.Session
    endpoint_url: str | None

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients by name
        """Create a boto3 client for one of the deployment's services."""
        return self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def transport(self) -> InvokeTransport:
        """Return a transport that reaches the search service's routes, including those for operators."""
        return InvokeTransport(
            self.outputs["SearchAlias"], endpoint_url=self.endpoint_url, session=self.session
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that point a library that reads the environment at the deployment."""
        credentials = self.session.get_credentials()
        known = {
            "AWS_ACCESS_KEY_ID": credentials and credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials and credentials.secret_key,
            "AWS_SESSION_TOKEN": credentials and credentials.token,
            "AWS_REGION": self.session.region_name,
            "AWS_DEFAULT_REGION": self.session.region_name,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            **{
                f"GLIMPSE_{_words(name)}": value
                for name, value in self.outputs.items()
                if name.endswith("Table")
            },
        }
        return {name: value for name, value in known.items() if value}


def _words(name: str) -> str:
    """Return ``FOLDER_NAMES_TABLE`` for ``FolderNamesTable``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
