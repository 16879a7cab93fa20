from pathlib import Path

import pytest

from deployment.errors import UserError
from deployment.settings import ROOT
from local import credentials
from local.settings import LocalSettings


def test_defaults() -> None:
    settings = LocalSettings.from_environment({})
    assert (settings.api_port, settings.search_port, settings.web_port) == (9999, 5000, 3000)
    assert settings.home == ROOT / ".glimpse"
    assert settings.endpoint == "http://127.0.0.1:4566"
    assert settings.external_endpoint is None


def test_the_environment_decides(tmp_path: Path) -> None:
    settings = LocalSettings.from_environment(
        {
            "GLIMPSE_HOME": str(tmp_path),
            "API_PORT": "8001",
            "AWS_ENDPOINT_URL": "http://localhost:4577/",
            "GATEWAY_LIMITS": "1",
        }
    )
    assert (settings.home, settings.api_port, settings.gateway_limits) == (tmp_path, 8001, True)
    assert settings.endpoint == "http://localhost:4577"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "٣٠٠٠"])
def test_a_port_must_be_one(port: str) -> None:
    with pytest.raises(UserError, match="WEB_PORT must be a port number"):
        LocalSettings.from_environment({"WEB_PORT": port})


def test_ports_must_differ() -> None:
    with pytest.raises(UserError, match="give each port its own number"):
        LocalSettings.from_environment({"WEB_PORT": "9999"})


def test_an_endpoint_must_be_an_address() -> None:
    with pytest.raises(UserError, match="AWS_ENDPOINT_URL must be an address"):
        LocalSettings.from_environment({"AWS_ENDPOINT_URL": "localhost:4566"})


def test_a_real_accounts_credentials_stay_away_from_the_embedded_emulator(tmp_path: Path) -> None:
    real = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
    here = LocalSettings.from_environment({**real, "GLIMPSE_HOME": str(tmp_path)})
    made = credentials.ensure(tmp_path)
    embedded = here.aws_environment(real)
    assert embedded["AWS_ACCESS_KEY_ID"] == made.access_key_id
    assert embedded["AWS_SECRET_ACCESS_KEY"] == made.secret_access_key
    assert embedded["AWS_REGION"] == "eu-west-1"
    external = LocalSettings.from_environment({"AWS_ENDPOINT_URL": "http://localhost:4566"})
    assert external.aws_environment(real)["AWS_ACCESS_KEY_ID"] == "AKIA"


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-3"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_the_region_is_the_one_that_aws_tools_take(environment: dict[str, str], region: str) -> None:
    external = LocalSettings.from_environment({"AWS_ENDPOINT_URL": "http://localhost:4566"})
    assert external.aws_environment(environment)["AWS_REGION"] == region
