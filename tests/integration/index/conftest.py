import threading
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from glimpse.index import S3ObjectStore
from glimpse.index.store.object_store import NotModified, StoredObject
from glimpse.index.store.s3 import CONFIG
from moto import mock_aws
from mypy_boto3_s3 import S3Client

BUCKET = "glimpse-index"


class OneAtATime(S3ObjectStore):
    """Keeps requests of several threads apart: moto can't. What lies between them still interleaves."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        super().__init__(bucket, client)
        self._lock = threading.Lock()

    def get(self, key: str) -> StoredObject | None:
        with self._lock:
            return super().get(key)

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        with self._lock:
            return super().get_if_none_match(key, etag)

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        with self._lock:
            return super().get_range(key, start, length)

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        with self._lock:
            super().put_if_match(key, data, etag)

    def put_if_none_match(self, key: str, data: bytes) -> None:
        with self._lock:
            super().put_if_none_match(key, data)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        # Without pauses between a request and its repeat; the index has repeats of its own.
        client = boto3.client("s3", config=CONFIG.merge(Config(retries={"total_max_attempts": 1})))
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


@pytest.fixture
def store(client: S3Client) -> S3ObjectStore:
    return OneAtATime(BUCKET, client)
