"""The queues between the functions: parsing SQS batches, processing messages, and redelivery.

:mod:`~glimpse.queues.deliveries` parses Lambda's batches, :mod:`~glimpse.queues.consumer` processes each
message, :mod:`~glimpse.queues.visibility` speeds up redelivery, and :mod:`~glimpse.queues.upkeep_requests`
requests upkeep of an index after a commit.
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
