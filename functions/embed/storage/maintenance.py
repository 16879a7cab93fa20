"""The queue of slow work."""

import json
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.embed.services.ports import StorageUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


class MaintenanceQueue:
    """Sends work to the maintenance queue."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._client: SQSClient = boto3.client("sqs", config=_CONFIG)

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        """Ask for the rest of a folder to be erased.

        Raises
        ------
        StorageUnavailable
            If SQS does not answer, or refuses.
        """
        message = {"kind": "erase-folder", "owner_id": owner_id, "folder_id": folder_id}
        try:
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailable(f"SQS did not take a message: {error}") from error
