"""The queue of slow work, which the embed function does."""

import json
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class MaintenanceQueue:
    """Sends work to the maintenance queue."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        config = Config(
            connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
        )
        self._client: SQSClient = boto3.client("sqs", config=config)

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        """Ask for everything of a folder to be removed once it is hidden."""
        message = {"kind": "erase-folder", "owner_id": owner_id, "folder_id": folder_id}
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))
