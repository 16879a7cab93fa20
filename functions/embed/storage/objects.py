"""The images bucket."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from glimpse.aws import lazy_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_OBJECT_BYTES = 100 * 1024**2
"""The most that is read into memory for one photo."""

_DELETE_BATCH = 1000
_MAX_KEY_BYTES = 1024
_CONFIG = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})


class StorageUnavailable(Exception):
    """Storage did not answer, or refused: nothing is wrong with the image, and trying again later is safe."""


class ObjectTooLarge(Exception):
    """The object is larger than a photo may be; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the object is larger than {limit} bytes")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An object as it was read: its bytes, and the tag that changes with them."""

    data: bytes
    etag: str


class ImagesBucket:
    """Reads, writes, lists and removes objects of one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._client: S3Client = lazy_client("s3", _CONFIG)

    def read(self, key: str) -> StoredFile | None:
        """Return an object, or None if there is none.

        Raises
        ------
        ObjectTooLarge
            If it has more than ``MAX_OBJECT_BYTES``; it is not read then.
        StorageUnavailable
            If S3 does not answer, or refuses.
        """
        if not _may_exist(key):
            return None
        with _translated(f"read {key}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            with answer["Body"] as body:
                if answer["ContentLength"] > MAX_OBJECT_BYTES:
                    raise ObjectTooLarge(MAX_OBJECT_BYTES)
                return StoredFile(body.read(), answer["ETag"])

    def etag(self, key: str) -> str | None:
        """Return the tag of an object, or None if there is none.

        Raises
        ------
        StorageUnavailable
            If S3 does not answer, or refuses.
        """
        with _translated(f"look at {key}"):
            try:
                return self._client.head_object(Bucket=self._bucket, Key=key)["ETag"]
            except ClientError as error:
                # The answer to a HEAD has no body that could say NoSuchKey.
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return None
                raise

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object.

        Raises
        ------
        StorageUnavailable
            If S3 does not answer, or refuses.
        """
        with _translated(f"write {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, whether they exist or not.

        Raises
        ------
        StorageUnavailable
            If S3 does not answer, or refuses one of them.
        """
        for start in range(0, len(keys), _DELETE_BATCH):
            batch = keys[start : start + _DELETE_BATCH]
            with _translated(f"delete {batch[0]}"):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            for refused in answer.get("Errors", []):
                raise StorageUnavailable(f"S3 did not delete {refused.get('Key')}: {refused.get('Code')}")

    def pages(self, prefix: str) -> Iterator[list[str]]:
        """Yield the keys under a prefix, up to a thousand at a time.

        Raises
        ------
        StorageUnavailable
            If S3 does not answer, or refuses.
        """
        with _translated(f"list {prefix}"):
            paginator = self._client.get_paginator("list_objects_v2")
            for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix):
                keys = [entry["Key"] for entry in page.get("Contents", [])]
                if keys:
                    yield keys


def _may_exist(key: str) -> bool:
    """Tell whether S3 can hold an object of this key, which is 1 to 1,024 bytes of UTF-8."""
    try:
        return 1 <= len(key.encode()) <= _MAX_KEY_BYTES
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry
        return False


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StorageUnavailable(f"S3 did not {what}: {error}") from error
