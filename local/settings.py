"""What the environment says about a run on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployment.errors import UserError
from deployment.settings import DeploymentSettings, home_of, initial_model_of, region_of
from local import credentials

HOST = "127.0.0.1"
"""What every server binds, so that nothing is offered to the network."""

OWN_HOSTS = frozenset({"localhost", HOST})
"""The names of this machine that every server answers to; others may be rebound by whoever owns them."""

DEFAULT_PORTS = {"API_PORT": 9999, "SEARCH_PORT": 5000, "WEB_PORT": 3000, "EMULATOR_PORT": 4566}

RETRY_SECONDS = 3
"""After what time a request that was refused for want of workers is to come again."""

DEFAULT_WORKERS = 3
MOST_WORKERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings(DeploymentSettings):
    """Which ports are used, by whom, and where to deploy, beside what every deployment needs.

    Attributes
    ----------
    api_port, search_port, web_port, emulator_port
        Ports on 127.0.0.1.
    external_endpoint
        ``AWS_ENDPOINT_URL``: an emulator that somebody else runs; None for the embedded one.
    gateway_limits
        Whether the forwarder keeps AWS's limit for multipart bodies (``GATEWAY_LIMITS=1``).
    allowed_hosts
        Names by which the ports are reached, beside localhost and 127.0.0.1 (``GLIMPSE_ALLOWED_HOSTS``).
    allowed_origins
        Origins of pages that may use the API, beside its own page's (``GLIMPSE_ALLOWED_ORIGINS``).
    workers
        How many workers a function has at most (``GLIMPSE_LAMBDA_WORKERS``), on the embedded emulator.
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
        """Read the settings; a variable that is unset or empty has its default.

        Raises
        ------
        UserError
            If a port, the endpoint or the number of workers is not usable.
        """
        ports = [_port(environment, name) for name in DEFAULT_PORTS]
        for name, port in zip(DEFAULT_PORTS, ports, strict=True):
            if ports.count(port) > 1:
                raise UserError(f"{name} is {port}, and so is another port; give each its own.")
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
        """Where AWS's APIs are: the given endpoint, or the embedded emulator's."""
        return self.external_endpoint or f"http://{HOST}:{self.emulator_port}"

    def hosts(self) -> frozenset[str]:
        """Return the names, in lower case and without ports, by which the ports are reached."""
        return OWN_HOSTS | self.allowed_hosts

    def page_origins(self) -> frozenset[str]:
        """Return the origins of pages that may use the API: the page's own, and the allowed ones."""
        own = {f"http://{host}:{self.web_port}" for host in self.hosts()}
        if self.web_port == 80:  # which browsers leave out
            own |= {f"http://{host}" for host in self.hosts()}
        return frozenset(own) | self.allowed_origins

    def aws_environment(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Give the variables with which AWS's SDKs reach the endpoint.

        At the embedded emulator, the credentials are its operator's: a real account's never go there. An
        external one may need its own, and takes ``test`` otherwise, as LocalStack does.

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
                f"GLIMPSE_ALLOWED_HOSTS names hosts without ports, like photos.example.org, not {host!r}."
            )
    return hosts


def _origins(text: str) -> frozenset[str]:
    origins = _listed(text)
    for origin in origins:
        if not re.fullmatch(r"https?://[a-z0-9_.-]+(:[0-9]{1,5})?", origin):
            raise UserError(
                "GLIMPSE_ALLOWED_ORIGINS names origins like https://photos.example.org or"
                f" http://localhost:8080, each in full, not {origin!r}."
            )
    return origins


def _listed(text: str) -> frozenset[str]:
    return frozenset(item for item in re.split(r"[,\s]+", text.lower()) if item)
