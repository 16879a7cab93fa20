"""The queue of slow work, which the embed function does."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glimpse.messages import EraseFolder, Maintenance

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


class QueueUnavailable(Exception):  # noqa: N818 - named for what happened
    """The queue did not take a message; trying again later is safe."""


class MaintenanceQueue:
    """Sends work to the maintenance queue."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._client: SQSClient = boto3.client("sqs", config=_CONFIG)

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        """Ask for everything of a folder to be removed once it is hidden.

        Raises
        ------
        QueueUnavailable
            If SQS does not answer, or refuses.
        """
        self.send(EraseFolder.of(owner_id, folder_id))

    def send(self, message: Maintenance, *, delay_seconds: int = 0) -> None:
        """Ask for slow work, to be begun after so many seconds (at most 900).

        Raises
        ------
        QueueUnavailable
            If SQS does not answer, or refuses.
        """
        try:
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=message.model_dump_json(),
                DelaySeconds=delay_seconds,
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"SQS did not take a message: {error}") from error
