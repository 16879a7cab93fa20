"""Queues of messages between the functions: what a batch of SQS holds, who does it, and what comes again.

:mod:`~glimpse.queues.deliveries` reads Lambda's batches, :mod:`~glimpse.queues.consumer` has each message
done, :mod:`~glimpse.queues.visibility` lets one come again sooner, and
:mod:`~glimpse.queues.upkeep_requests` asks for the upkeep of an index that was committed to.
"""

from glimpse.queues.consumer import BatchReport, Consumer, Visibility, Worker, WorkOutcome, delay_seconds
from glimpse.queues.deliveries import Delivery, ObjectCreated, Unintelligible, deliveries, failures
from glimpse.queues.upkeep_requests import REST_SECONDS, UpkeepQueue, UpkeepRequests, compaction
from glimpse.queues.visibility import MessageVisibility

__all__ = [
    "REST_SECONDS",
    "BatchReport",
    "Consumer",
    "Delivery",
    "MessageVisibility",
    "ObjectCreated",
    "Unintelligible",
    "UpkeepQueue",
    "UpkeepRequests",
    "Visibility",
    "WorkOutcome",
    "Worker",
    "compaction",
    "delay_seconds",
    "deliveries",
    "failures",
]
