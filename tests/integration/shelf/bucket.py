"""What tests see of the bucket, and of the requests to it."""

from typing import Any

from mypy_boto3_s3 import S3Client

from tests.integration.shelf.conftest import BUCKET


def keys(client: S3Client) -> list[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def body(client: S3Client, key: str) -> bytes:
    return client.get_object(Bucket=BUCKET, Key=key)["Body"].read()


class Requests:
    """Counts the requests of a client by their operation, and can make one of them fail."""

    def __init__(self, client: S3Client) -> None:
        self.seen: list[str] = []
        self.fail_at: int | None = None
        client.meta.events.register("before-send.s3", self._note)

    def _note(self, request: Any, **_: object) -> None:
        self.seen.append(request.method)
        if self.fail_at is not None and self.seen.count("PUT") > self.fail_at:
            raise ConnectionAbortedError("cut off")
