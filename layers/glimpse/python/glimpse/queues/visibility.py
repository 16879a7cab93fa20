"""The visibility timeout of received messages."""

from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glimpse.aws import lazy_client
from glimpse.maintenance import QueueUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# A change is optional, so it must not take long.
_CONFIG = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})


class MessageVisibility:
    """Changes the visibility timeout of received messages in SQS."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._client: SQSClient = lazy_client("sqs", _CONFIG)

    def delay(self, queue_arn: str, receipt_handle: str, seconds: int) -> None:
        """Have a received message redelivered after `seconds`.

        Raises
        ------
        QueueUnavailable
            If SQS does not answer, or refuses the request.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url(queue_arn), ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"SQS did not delay a message: {error}") from error

    def _url(self, queue_arn: str) -> str:
        if queue_arn not in self._urls:
            name = queue_arn.rpartition(":")[2]
            self._urls[queue_arn] = self._client.get_queue_url(QueueName=name)["QueueUrl"]
        return self._urls[queue_arn]
