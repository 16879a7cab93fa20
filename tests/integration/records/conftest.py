"""DynamoDB in-process, with tables made from the models."""

from collections.abc import Iterator

import pytest
from glimpse.records.models import MODELS, reset_connections
from moto import mock_aws


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "GLIMPSE_IMAGES_TABLE": "images",
        "GLIMPSE_FOLDERS_TABLE": "folders",
        "GLIMPSE_JOBS_TABLE": "jobs",
        "GLIMPSE_SHARES_TABLE": "shares",
    }.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        reset_connections()
        for model in MODELS:
            model.create_table(wait=False)
        yield
    reset_connections()
