"""The images bucket."""

import os
from typing import TYPE_CHECKING, BinaryIO, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from glimpse.aws import lazy_client

from functions.api.services.ports import ObjectNotStored, SignedPost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GET_SECONDS = 15 * 60
POST_SECONDS = 30 * 60
MAX_CONNECTIONS = 16


class S3UploadBucket:
    """Puts objects, and presigns URLs for browsers; signing is local and takes less than a millisecond."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        # Version 4 signatures carry the region and the exact conditions of a POST.
        config = Config(
            signature_version="s3v4",
            max_pool_connections=MAX_CONNECTIONS,
            connect_timeout=2,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": _addressing_style()},
        )
        self._client: S3Client = lazy_client("s3", config)

    def put(self, key: str, body: BinaryIO, content_type: str) -> None:
        """Store an object.

        Raises
        ------
        ObjectNotStored
            If the bucket does not accept it.
        """
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
        except (BotoCoreError, ClientError) as error:
            raise ObjectNotStored(f"the images bucket did not accept {key}") from error

    def sign_get(self, key: str, content_type: str | None = None) -> str:
        """Return a URL that shows an object for 15 minutes, with this content type or its stored one."""
        asked = {"Bucket": self._bucket, "Key": key}
        if content_type is not None:
            asked["ResponseContentType"] = content_type
        return self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=GET_SECONDS)

    def sign_post(self, key: str, size: int, content_type: str) -> SignedPost:
        """Return a form for one object of exactly `size` bytes and this type, valid for 30 minutes."""
        post = self._client.generate_presigned_post(
            self._bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", size, size]],
            ExpiresIn=POST_SECONDS,
        )
        return SignedPost(post["url"], post["fields"])


def _addressing_style() -> Literal["auto", "virtual"]:
    """Return the addressing style of presigned URLs.

    By default, botocore signs for ``{bucket}.s3.amazonaws.com``. For a new bucket, that redirects to the
    bucket's region, where the signed host no longer matches. "virtual" means
    ``{bucket}.s3.{region}.amazonaws.com``. A custom endpoint has no host per bucket; there "auto" puts the
    name into the path.
    """
    own_endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return "auto" if own_endpoint else "virtual"
