"""The bundles in the index bucket. No other module of the shelf imports boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotoConnectionError

from glimpse.aws import lazy_client
from glimpse.keys import MODELS_PREFIX
from glimpse.shelf.errors import ShelfError, ShelfUnavailable

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig
    from mypy_boto3_s3 import S3Client


_SHA256 = "sha256"  # name of the objects' metadata entry
_ABSENT = frozenset({"NoSuchKey", "404"})
_SLOW_DOWN = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "TooManyRequests"})
_CONFIG = Config(connect_timeout=2, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})


class ModelBucket:
    """The objects ``models/{bundle digest}/{path}`` of one bucket.

    Every method raises :class:`ShelfUnavailable` if S3 does not answer, and :class:`ShelfError` if it refuses
    a request.

    Parameters
    ----------
    name : str
        The bucket. Readers need ``s3:GetObject`` on ``models/*``, and ``s3:ListBucket`` without conditions
        (otherwise S3 answers 403 instead of 404 for an object that does not exist). Publishers also need
        ``s3:PutObject``.
    client : S3Client, optional
        By default, a client configured from the environment.
    """

    def __init__(self, name: str, client: S3Client | None = None) -> None:
        self._name = name
        self._client = client or lazy_client("s3", _CONFIG)

    def uri(self, digest: str, path: str) -> str:
        """Return an object's URI, for messages."""
        return f"s3://{self._name}/{_key(digest, path)}"

    def read(self, digest: str, path: str) -> bytes | None:
        """Return a small object's bytes, or None if there is none."""
        with _translated(self.uri(digest, path)):
            try:
                return self._client.get_object(Bucket=self._name, Key=_key(digest, path))["Body"].read()
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise

    def download(self, digest: str, path: str, target: Path) -> bool:
        """Download an object to a file; return False if there is none."""
        with _translated(self.uri(digest, path)):
            try:
                self._client.download_file(self._name, _key(digest, path), str(target), Config=_transfer())
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return False
                raise
        return True

    def stored(self, digest: str, path: str) -> tuple[int, str] | None:
        """Return an object's size and the SHA-256 in its metadata ("" without), or None without an object."""
        with _translated(self.uri(digest, path)):
            try:
                answer = self._client.head_object(Bucket=self._name, Key=_key(digest, path))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        return answer["ContentLength"], answer["Metadata"].get(_SHA256, "")

    def upload(
        self, digest: str, path: str, source: Path, sha256: str, sent: Callable[[int], None] | None = None
    ) -> None:
        """Upload a file, completely and unaltered or not at all.

        Parameters
        ----------
        digest, path
            Bundle digest, and path in the bundle.
        source
            The file.
        sha256
            SHA-256 of its content (hex), stored with the object.
        sent
            Called, from several threads, with the number of bytes sent since the previous call.
        """
        with _translated(self.uri(digest, path)):
            self._client.upload_file(
                str(source),
                self._name,
                _key(digest, path),
                ExtraArgs={"Metadata": {_SHA256: sha256}},
                Config=_transfer(),
                Callback=sent,
            )

    def write(self, digest: str, path: str, data: bytes) -> None:
        """Write a small object."""
        with _translated(self.uri(digest, path)):
            self._client.put_object(Bucket=self._name, Key=_key(digest, path), Body=data)


@cache
def _transfer() -> TransferConfig:
    # A single request can't use all of Lambda's bandwidth, so models are fetched in ranges, eight at a time.
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=2**24, multipart_chunksize=2**23, max_concurrency=8)


def _key(digest: str, path: str) -> str:
    return f"{MODELS_PREFIX}{digest}/{path}"


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    """Translate boto3's errors into the shelf's."""
    # Imported late, since boto3 is not needed unless a bundle comes from the bucket.
    from boto3.exceptions import RetriesExceededError, S3UploadFailedError

    try:
        yield
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = _code(error)
        if status >= 500 or status == 429 or code in _SLOW_DOWN:
            raise ShelfUnavailable(f"S3 answered {status} {code} for {uri}") from error
        raise ShelfError(f"S3 refused {error.operation_name} of {uri}: {status} {code}") from error
    except (BotoConnectionError, HTTPClientError, IncompleteReadError, RetriesExceededError) as error:
        raise ShelfUnavailable(f"S3 did not answer for {uri}: {error}") from error
    except (BotoCoreError, S3UploadFailedError) as error:
        raise ShelfError(f"{uri} could not be transferred: {error}") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
