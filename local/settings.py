"""What the environment says about a run on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.errors import Trouble

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
"""What every server binds, so that nothing is offered to the network."""

DEFAULT_PORTS = {"API_PORT": 9999, "SEARCH_PORT": 5000, "WEB_PORT": 3000, "EMULATOR_PORT": 4566}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the state lies, which ports are used, and where to deploy.

    Attributes
    ----------
    home
        The folder of all state (``GLIMPSE_HOME``).
    api_port, search_port, web_port, emulator_port
        Ports on 127.0.0.1.
    external_endpoint
        ``AWS_ENDPOINT_URL``: an emulator that somebody else runs; None for the embedded one.
    gateway_limits
        Whether the forwarder keeps AWS's limit for multipart bodies (``GATEWAY_LIMITS=1``).
    model
        The model to begin with (``GLIMPSE_MODEL``); None for the default.
    """

    home: Path
    api_port: int
    search_port: int
    web_port: int
    emulator_port: int
    external_endpoint: str | None
    gateway_limits: bool
    model: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; a variable that is unset or empty has its default.

        Raises
        ------
        Trouble
            If a port or the endpoint is not usable.
        """
        ports = [_port(environment, name) for name in DEFAULT_PORTS]
        for name, port in zip(DEFAULT_PORTS, ports, strict=True):
            if ports.count(port) > 1:
                raise Trouble(f"{name} is {port}, and so is another port; give each its own.")
        api, search, web, emulator = ports
        return cls(
            home=Path(environment.get("GLIMPSE_HOME") or ROOT / ".glimpse").expanduser().resolve(),
            api_port=api,
            search_port=search,
            web_port=web,
            emulator_port=emulator,
            external_endpoint=_endpoint(environment.get("AWS_ENDPOINT_URL")),
            gateway_limits=environment.get("GATEWAY_LIMITS", "") == "1",
            model=environment.get("GLIMPSE_MODEL") or None,
        )

    @property
    def endpoint(self) -> str:
        """Where AWS's APIs are: the given endpoint, or the embedded emulator's."""
        return self.external_endpoint or f"http://{HOST}:{self.emulator_port}"

    def aws_environment(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Give the variables with which AWS's SDKs reach the endpoint.

        A real account's credentials never go to the embedded emulator; an external one may need its own.
        """
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
        credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        if self.external_endpoint:
            credentials = {name: environment.get(name) or value for name, value in credentials.items()}
        return {
            **credentials,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _port(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name) or str(DEFAULT_PORTS[name])
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise Trouble(f"{name} must be a port number from 1 to 65535, not {text!r}.")
    return int(text)


def _endpoint(text: str | None) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Trouble(f"AWS_ENDPOINT_URL must be an address like http://localhost:4566, not {text!r}.")
    return text.rstrip("/")
