"""Sends slow work to the queues of the embed function and the upkeep function."""

from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glimpse.aws import lazy_client
from glimpse.messages import EraseFolder, Maintenance, Upkeep

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_PATIENT = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_BRIEF = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})


class QueueUnavailable(Exception):
    """The queue did not accept a request; a later retry is safe."""


class MaintenanceQueue:
    """Sends messages to one of the queues.

    Parameters
    ----------
    queue_url : str
        The queue.
    is_brief : bool
        Whether to give up after two seconds, for optional messages.
    client : SQSClient, optional
        By default, a client configured from the environment.
    """

    def __init__(self, queue_url: str, *, is_brief: bool = False, client: "SQSClient | None" = None) -> None:
        self._queue_url = queue_url
        self._client: SQSClient = client or lazy_client("sqs", _BRIEF if is_brief else _PATIENT)

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        """Request that a hidden folder and all its data be removed.

        Raises
        ------
        QueueUnavailable
            If SQS does not answer, or refuses the request.
        """
        self.send(EraseFolder.of(owner_id, folder_id))

    def send(self, message: Maintenance | Upkeep, *, delay_seconds: int = 0) -> None:
        """Request slow work, to begin after `delay_seconds` (at most 900).

        Raises
        ------
        QueueUnavailable
            If SQS does not answer, or refuses the request.
        """
        try:
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=message.model_dump_json(),
                DelaySeconds=delay_seconds,
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"SQS did not accept a message: {error}") from error
