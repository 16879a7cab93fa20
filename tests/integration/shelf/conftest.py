from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from glimpse.encoder import Bundle
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from tests.unit.encoder.tiny_bundle import write_bundle

BUCKET = "glimpse-index"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A whole bundle, installed on this machine under a name of its own."""
    return Bundle.load(write_bundle(tmp_path / "installed/tiny"))
