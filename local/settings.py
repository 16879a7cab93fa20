"""The settings of a run on this machine, read from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployment.errors import UserError
from deployment.settings import DeploymentSettings, home_of, initial_model_of
from local import credentials

HOST = "127.0.0.1"
"""The address that every server binds to, so that nothing is exposed to the network."""

OWN_HOSTS = frozenset({"localhost", HOST})
"""The host names that every server answers to; any other could be rebound by its owner (DNS rebinding)."""

DEFAULT_PORTS = {"API_PORT": 9999, "SEARCH_PORT": 5000, "WEB_PORT": 3000, "EMULATOR_PORT": 4566}

RETRY_SECONDS = 3
"""The ``Retry-After`` of a request that was refused because all workers were busy."""

DEFAULT_WORKERS = 3
MOST_WORKERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings(DeploymentSettings):
    """The ports, who may use them, and where to deploy, in addition to what every deployment needs.

    Attributes
    ----------
    api_port, search_port, web_port, emulator_port
        Ports on 127.0.0.1.
    external_endpoint
        ``AWS_ENDPOINT_URL``: an emulator that runs separately; None for the embedded one.
    gateway_limits
        Whether the forwarder enforces AWS's limit for multipart bodies (``GATEWAY_LIMITS=1``).
    allowed_hosts
        Host names that the ports answer to besides localhost and 127.0.0.1 (``GLIMPSE_ALLOWED_HOSTS``).
    allowed_origins
        Origins of pages that may use the API besides its own page (``GLIMPSE_ALLOWED_ORIGINS``).
    workers
        The most workers that a function has on the embedded emulator (``GLIMPSE_LAMBDA_WORKERS``).
    """

    api_port: int
    search_port: int
    web_port: int
    emulator_port: int
    external_endpoint: str | None
    gateway_limits: bool
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    workers: int = DEFAULT_WORKERS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> LocalSettings:
        """Read the settings; an unset or empty variable takes its default.

        Raises
        ------
        UserError
            If a variable has an invalid value, or two ports are the same.
        """
        ports = [_port(environment, name) for name in DEFAULT_PORTS]
        for name, port in zip(DEFAULT_PORTS, ports, strict=True):
            if ports.count(port) > 1:
                raise UserError(f"{name} is {port}, and so is another port; give each port its own number.")
        api, search, web, emulator = ports
        return cls(
            home=home_of(environment),
            model=initial_model_of(environment),
            api_port=api,
            search_port=search,
            web_port=web,
            emulator_port=emulator,
            external_endpoint=_endpoint(environment.get("AWS_ENDPOINT_URL")),
            gateway_limits=environment.get("GATEWAY_LIMITS", "") == "1",
            allowed_hosts=_hosts(environment.get("GLIMPSE_ALLOWED_HOSTS", "")),
            allowed_origins=_origins(environment.get("GLIMPSE_ALLOWED_ORIGINS", "")),
            workers=_workers(environment.get("GLIMPSE_LAMBDA_WORKERS")),
        )

    @property
    def endpoint(self) -> str:
        """The endpoint of AWS's APIs: the given one, or the embedded emulator's."""
        return self.external_endpoint or f"http://{HOST}:{self.emulator_port}"

    def hosts(self) -> frozenset[str]:
        """Return the host names that the servers answer to, in lower case and without ports."""
        return OWN_HOSTS | self.allowed_hosts

    def page_origins(self) -> frozenset[str]:
        """Return the origins of pages that may use the API: Glimpse's own page, and the allowed ones."""
        own = {f"http://{host}:{self.web_port}" for host in self.hosts()}
        if self.web_port == 80:  # browsers omit port 80 from the origin
            own |= {f"http://{host}" for host in self.hosts()}
        return frozenset(own) | self.allowed_origins

    def aws_environment(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the variables that point AWS's SDKs at the endpoint.

        The embedded emulator gets its operator's credentials, never those of a real account. An external one
        gets those in the environment, or ``test`` without any, as LocalStack accepts.

        Raises
        ------
        UserError
            If the embedded emulator has never been started from the home folder.
        """
        if self.external_endpoint:
            names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            keys = {name: environment.get(name) or "test" for name in names}
        else:
            known = credentials.of(self.home)
            keys = {
                "AWS_ACCESS_KEY_ID": known.access_key_id,
                "AWS_SECRET_ACCESS_KEY": known.secret_access_key,
            }
        region = region_of(environment)
        return {
            **keys,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _port(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name) or str(DEFAULT_PORTS[name])
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise UserError(f"{name} must be a port number from 1 to 65535, not {text!r}.")
    return int(text)


def region_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return the region that the endpoint stands for: AWS's variables, or ``us-east-1``."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"


def _workers(text: str | None) -> int:
    if not text:
        return DEFAULT_WORKERS
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MOST_WORKERS:
        raise UserError(f"GLIMPSE_LAMBDA_WORKERS must be a number from 1 to {MOST_WORKERS}, not {text!r}.")
    return int(text)


def _endpoint(text: str | None) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UserError(f"AWS_ENDPOINT_URL must be an address like http://localhost:4566, not {text!r}.")
    return text.rstrip("/")


def _hosts(text: str) -> frozenset[str]:
    hosts = _listed(text)
    for host in hosts:
        if not re.fullmatch(r"[a-z0-9_.-]+", host):
            raise UserError(
                "GLIMPSE_ALLOWED_HOSTS must list host names without ports, like photos.example.org,"
                f" not {host!r}."
            )
    return hosts


def _origins(text: str) -> frozenset[str]:
    origins = _listed(text)
    for origin in origins:
        if not re.fullmatch(r"https?://[a-z0-9_.-]+(:[0-9]{1,5})?", origin):
            raise UserError(
                "GLIMPSE_ALLOWED_ORIGINS must list full origins, like https://photos.example.org or"
                f" http://localhost:8080, not {origin!r}."
            )
    return origins


def _listed(text: str) -> frozenset[str]:
    return frozenset(item for item in re.split(r"[,\s]+", text.lower()) if item)
