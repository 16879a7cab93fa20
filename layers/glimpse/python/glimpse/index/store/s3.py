"""The index bucket on S3. No other module of the index imports boto3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from glimpse.aws import lazy_client
from glimpse.index.errors import (
    ObjectDamaged,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
    WriteConflict,
)
from glimpse.index.store.object_store import NOT_MODIFIED, Data, Listed, NotModified, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 32
"""Maximum number of concurrent requests; the reader's thread pool has as many threads."""

_DELETE_BATCH = 1000
_PAGE = 1000
_SLOW_DOWN = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "TooManyRequests"})
CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    max_pool_connections=CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": 4},
)


class S3ObjectStore:
    """An :class:`~glimpse.index.store.object_store.ObjectStore` on one bucket.

    Parameters
    ----------
    bucket : str
        The bucket's name. The caller's role needs ``s3:GetObject`` and ``s3:PutObject`` on ``indexes/*``,
        ``s3:DeleteObject`` if it deletes indexes, and ``s3:ListBucket`` without conditions: otherwise S3
        answers 403 instead of 404 for an object that does not exist.
    client : S3Client, optional
        By default, a client configured from the environment.
    """

    def __init__(self, bucket: str, client: S3Client | None = None) -> None:
        self._bucket = bucket
        self._client = client or lazy_client("s3", CONFIG)

    def get(self, key: str) -> StoredObject | None:
        """Return an object, or None if there is none."""
        with _translated(key):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                raise
            return StoredObject(answer["Body"].read(), answer["ETag"])

    def get_if_none_match(self, key: str, etag: str) -> StoredObject | NotModified | None:
        """Return an object, ``NOT_MODIFIED`` if its ETag is still `etag`, or None if there is none."""
        with _translated(key):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key, IfNoneMatch=etag)
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                if _status(error) == 304:
                    return NOT_MODIFIED
                raise
            return StoredObject(answer["Body"].read(), answer["ETag"])

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        """Return up to `length` bytes of an object, starting at `start`, or None if there is no object."""
        with _translated(key):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=key, Range=f"bytes={start}-{start + length - 1}"
                )
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                if _status(error) == 416:  # the object ends before `start`
                    return b""
                raise
            # A store without range support returns the whole object.
            whole = answer["ResponseMetadata"]["HTTPStatusCode"] != 206
            data = answer["Body"].read()
            return data[start : start + length] if whole else data

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        """Replace an object if its ETag is `etag`; raise Conflict if it has changed or is gone."""
        with _translated(key):
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=data, IfMatch=etag)
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    raise PreconditionFailed(f"{key} is gone") from error
                raise

    def put_if_none_match(self, key: str, data: Data) -> None:
        """Create an object; raise Conflict if it exists already."""
        with _translated(key):
            if not isinstance(data, bytes):
                data.seek(0)  # an earlier try may have moved the file position
            # boto3 accepts a memory-mapped file as a file object, although its type hints don't say so.
            body = cast("IO[bytes] | bytes", data)
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; keys that don't exist are ignored."""
        for start in range(0, len(keys), _DELETE_BATCH):
            batch = keys[start : start + _DELETE_BATCH]
            with _translated(batch[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            for refused in answer.get("Errors", []):
                raise StoreError(f"{refused.get('Key')} could not be deleted: {refused.get('Code')}")

    def children(self, prefix: str, limit: int) -> set[str] | None:
        """Return the names between `prefix` and the next slash, or None if there are more than `limit`."""
        names: set[str] = set()
        paginator = self._client.get_paginator("list_objects_v2")
        pages = paginator.paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/", PaginationConfig={"PageSize": _PAGE}
        )
        with _translated(prefix):
            for page in pages:
                found = (entry["Prefix"] for entry in page.get("CommonPrefixes", []))
                names.update(name.removeprefix(prefix).rstrip("/") for name in found)
                if len(names) > limit:
                    return None
        return names

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every object whose key begins with `prefix`."""
        paginator = self._client.get_paginator("list_objects_v2")
        pages = iter(paginator.paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with _translated(prefix):
                page = next(pages, None)
            if page is None:
                return
            for entry in page.get("Contents", []):
                yield Listed(entry["Key"], entry["Size"], entry["LastModified"].timestamp())


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Translate botocore's errors into the index's."""
    try:
        yield
    except ClientError as error:
        status, code = _status(error), _code(error)
        if status == 412:
            raise PreconditionFailed(f"{key} was changed by another writer") from error
        if status == 409:
            raise WriteConflict(f"{key} is being written by another writer") from error
        if status >= 500 or status == 429 or code in _SLOW_DOWN:
            raise StoreUnavailable(f"S3 answered {status} {code} for {key}") from error
        raise StoreError(f"S3 refused {error.operation_name} of {key}: {status} {code}") from error
    except FlexibleChecksumError as error:  # every try would read the same bytes
        raise ObjectDamaged(f"its bytes do not match the checksum that S3 keeps: {error}") from error
    except (BotoConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise StoreUnavailable(f"S3 did not answer for {key}: {error}") from error
    except BotoCoreError as error:
        raise StoreError(f"the S3 request for {key} could not be made: {error}") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
