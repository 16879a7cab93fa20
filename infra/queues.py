"""Queues with dead-letter queues, and the functions that consume them."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import allow
from infra.options import StackOptions

MAX_RECEIVE_COUNT = 5

CONSUME = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
)
"""The actions that a queue's consumer needs."""


class WorkQueue:
    """A queue that a function consumes, and the dead-letter queue for messages that it could not process.

    Parameters
    ----------
    scope
        The construct that both belong to.
    name
        The queue's construct id.
    timeout
        The consumer's timeout.
    options
        Says whether the endpoint uses plain HTTP.

    Attributes
    ----------
    queue, failures : sqs.Queue
        The queue and its dead-letter queue.
    """

    def __init__(self, scope: Construct, name: str, *, timeout: Duration, options: StackOptions) -> None:
        self._scope = scope
        tls_only = not options.plain_http
        self.failures = sqs.Queue(
            scope,
            f"{name}Failures",
            retention_period=Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=tls_only,
        )
        self.queue = sqs.Queue(
            scope,
            name,
            # A message in flight must not reappear: AWS recommends six times the function's timeout.
            visibility_timeout=Duration.seconds(6 * timeout.to_seconds()),
            # Half of the dead-letter queue's, because a message keeps its age when it moves there.
            retention_period=Duration.days(7),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=tls_only,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.failures, max_receive_count=MAX_RECEIVE_COUNT),
        )
        if not tls_only:
            for each in (self.queue, self.failures):
                Validations.of(each).acknowledge(
                    Acknowledgment(id="AwsSolutions-SQS4", reason="The emulator speaks plain HTTP.")
                )

    def consumed_by(
        self,
        function: lambda_.Function,
        construct_id: str,
        *,
        batch_size: int,
        window: Duration | None,
        concurrency: int,
    ) -> None:
        """Invoke a function with the queue's messages.

        Parameters
        ----------
        function
            The function; its role needs ``CONSUME``.
        construct_id
            The construct id of the event source mapping.
        batch_size, window
            The most messages per invocation, and how long to wait for a batch to fill.
        concurrency
            The most concurrent invocations; Lambda requires at least two.
        """
        lambda_.EventSourceMapping(
            self._scope,
            construct_id,
            target=function,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            max_batching_window=window,
            max_concurrency=concurrency,
            report_batch_item_failures=True,
        )


def consume_statement(*queues: WorkQueue) -> iam.PolicyStatement:
    """Allow a role to consume queues."""
    return allow("ConsumeQueues", CONSUME, [each.queue.queue_arn for each in queues])
