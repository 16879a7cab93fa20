"""The images bucket, for imports."""

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.errors import UserError


class PhotoBucket:
    """Uploads files of the old installation, and thumbnails of them.

    Parameters
    ----------
    client
        A boto3 client for S3.
    bucket
        The bucket's name.
    """

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401 - boto3 makes clients by name
        self._client = client
        self._bucket = bucket

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store some bytes.

        Raises
        ------
        UserError
            If the bucket rejects them.
        """
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"The images bucket does not take {key}: {error}.") from error

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a file, unless the bucket already has it with this size.

        Raises
        ------
        UserError
            If the bucket rejects it.
        OSError
            If the file can't be read.
        """
        try:
            if self._size(key) == path.stat().st_size:
                return
            with path.open("rb") as stream:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=stream, ContentType=content_type)
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"The images bucket does not take {key}: {error}.") from error

    def _size(self, key: str) -> int | None:
        try:
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except ClientError as error:
            # The answer to a HEAD has no body that could say NoSuchKey.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
