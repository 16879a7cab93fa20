"""Upkeep of the indexes: a queue, the function that compacts and sweeps, and its daily round."""

from __future__ import annotations

from aws_cdk import Duration, Size
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra import prefixes
from infra.embed_code import EmbedCode
from infra.function import FunctionParts, allow
from infra.options import StackOptions
from infra.queues import WorkQueue, consume_statement
from infra.storage import Storage

TIMEOUT = Duration.minutes(15)
"""A merge of a million vectors takes two or three minutes, and should be able to finish once begun."""

# Two vCPUs; FAISS uses both to build an inverted file (IVF). A merge of a million vectors of 512 dimensions
# takes 1 GB; the rest caches the files that it works on.
MEMORY_MB = 3538

# Room for the vectors of the largest merge that compaction does at once (1.5 GB), and for the segment that it
# writes.
STORAGE = Size.gibibytes(4)

ROUND = Duration.days(1)
"""How often all indexes get upkeep: an object that nothing refers to any more is gone after two rounds."""


class Upkeep(Construct):
    """The function that maintains the index bucket.

    It is separate from embed, but in the same image. With its timeout, a message whose worker died stays
    invisible for an hour and a half, which does not matter here but is too long for a photograph. When idle,
    it costs one invocation a day.

    Attributes
    ----------
    work : WorkQueue
        The queue of requests for compaction and for rounds.
    function : lambda_.Function
        The upkeep function.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, storage: Storage, code: EmbedCode, options: StackOptions
    ) -> None:
        super().__init__(scope, construct_id)
        self.work = WorkQueue(self, "Queue", timeout=TIMEOUT, options=options)
        index = storage.index
        parts = FunctionParts(
            self,
            "Parts",
            service="upkeep",
            statements=[
                allow(
                    "MergeAndSweepIndexes",
                    ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                    [index.arn_for_objects(f"{prefixes.INDEXES}*")],
                ),
                allow("ListIndexes", ["s3:ListBucket"], [index.bucket_arn]),
                consume_statement(self.work),
                # For work that one invocation can't finish, and to check an index once it is at rest.
                allow("ContinueUpkeep", ["sqs:SendMessage"], [self.work.queue.queue_arn]),
            ],
            environment={
                "GLIMPSE_INDEX_BUCKET": index.bucket_name,
                "GLIMPSE_UPKEEP_QUEUE_URL": self.work.queue.queue_url,
                "OMP_NUM_THREADS": "2",
            },
            memory_mb=MEMORY_MB,
            timeout=TIMEOUT,
            ephemeral_storage_size=STORAGE,
        )
        self.function = code.function(self, package="upkeep", parts=parts)
        self.work.consumed_by(self.function, "Source", batch_size=1, window=None, concurrency=2)
        events.Rule(
            self,
            "Round",
            description="Starts the daily upkeep of all Glimpse indexes",
            schedule=events.Schedule.rate(ROUND),
            targets=[
                targets.SqsQueue(
                    self.work.queue, message=events.RuleTargetInput.from_object({"kind": "tend-indexes"})
                )
            ],
        )
