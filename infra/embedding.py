"""From a stored image to an indexed one: the upload and maintenance queues, and the embed function."""

from __future__ import annotations

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import prefixes
from infra.embed_code import EmbedCode
from infra.function import FunctionParts, allow
from infra.options import StackOptions
from infra.queues import MAX_RECEIVE_COUNT, WorkQueue, consume_statement
from infra.storage import Storage

TIMEOUT = Duration.seconds(120)

# Two vCPUs: one decodes while the other embeds. The memory is more than needed: 600 MB for the largest
# photograph, and 89 MB (ViT-B/32, int8) to 370 MB (SigLIP2, fp32) for an image encoder's weights, more while
# they load. During a model change there are two encoders.
MEMORY_MB = 3538

# Models that are not in the image come from the bucket: during a model change, and until the next deployment.
# Two of 1.7 GB (SigLIP2 SO400M, fp32) fit. This storage costs a few thousandths of the price of the memory.
STORAGE = Size.gibibytes(4)


class Embedding(Construct):
    """Queues, their dead-letter queues, the bucket's notification, and the function that consumes them.

    Attributes
    ----------
    uploads, upload_failures, maintenance, maintenance_failures : sqs.Queue
        The queues and their dead-letter queues.
    function : lambda_.Function
        The embed function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        upkeep: WorkQueue,
        code: EmbedCode,
        options: StackOptions,
    ) -> None:
        super().__init__(scope, construct_id)
        self._upload_work = WorkQueue(self, "Uploads", timeout=TIMEOUT, options=options)
        self._maintenance_work = WorkQueue(self, "Maintenance", timeout=TIMEOUT, options=options)
        self.uploads, self.upload_failures = self._upload_work.queue, self._upload_work.failures
        self.maintenance = self._maintenance_work.queue
        self.maintenance_failures = self._maintenance_work.failures
        _notify(storage.images, self.uploads)
        parts = FunctionParts(
            self,
            "Parts",
            service="embed",
            statements=[
                *_object_statements(storage),
                *_table_statements(storage),
                *self._queue_statements(upkeep),
            ],
            environment=self._environment(storage, upkeep),
            memory_mb=MEMORY_MB,
            timeout=TIMEOUT,
            ephemeral_storage_size=STORAGE,
        )
        self.function = code.function(self, package="embed", parts=parts)
        # Uploads come in bursts, so waiting a second fills batches: ten photographs share a model run and a
        # commit to the folder's index, and few workers compete for that index.
        self._upload_work.consumed_by(
            self.function, "UploadSource", batch_size=10, window=Duration.seconds(1), concurrency=5
        )
        self._maintenance_work.consumed_by(
            self.function, "MaintenanceSource", batch_size=1, window=None, concurrency=2
        )

    def _environment(self, storage: Storage, upkeep: WorkQueue) -> dict[str, str]:
        return {
            "GLIMPSE_IMAGES_BUCKET": storage.images.bucket_name,
            "GLIMPSE_INDEX_BUCKET": storage.index.bucket_name,
            "GLIMPSE_FOLDERS_TABLE": storage.tables["folders"].table_name,
            "GLIMPSE_IMAGES_TABLE": storage.tables["images"].table_name,
            "GLIMPSE_JOBS_TABLE": storage.tables["jobs"].table_name,
            "GLIMPSE_SHARES_TABLE": storage.tables["shares"].table_name,
            "GLIMPSE_DEPLOYMENT_TABLE": storage.tables["deployment"].table_name,
            "GLIMPSE_OTHER_IMAGES_TABLE": storage.tables["other_images"].table_name,
            "GLIMPSE_MAINTENANCE_QUEUE_URL": self.maintenance.queue_url,
            "GLIMPSE_UPKEEP_QUEUE_URL": upkeep.queue.queue_url,
            "GLIMPSE_MAX_RECEIVES": str(MAX_RECEIVE_COUNT),
        }

    def _queue_statements(self, upkeep: WorkQueue) -> list[iam.PolicyStatement]:
        return [
            consume_statement(self._upload_work, self._maintenance_work),
            allow(
                "ContinueMaintenanceAndAskForUpkeep",
                # When its time runs out, the erasure of a large folder sends itself a message to continue.
                ["sqs:SendMessage"],
                [self.maintenance.queue_arn, upkeep.queue.queue_arn],
            ),
        ]


def _object_statements(storage: Storage) -> list[iam.PolicyStatement]:
    images, index = storage.images, storage.index
    uploads = images.arn_for_objects(f"{prefixes.UPLOADS}*")
    thumbnails = images.arn_for_objects(f"{prefixes.THUMBNAILS}*")
    return [
        allow("ReadPhotographs", ["s3:GetObject"], [uploads, images.arn_for_objects(f"{prefixes.OTHERS}*")]),
        allow("WriteThumbnails", ["s3:PutObject"], [thumbnails]),
        allow("EraseObjects", ["s3:DeleteObject"], [uploads, thumbnails]),
        allow(
            "ReadAndCommitIndexes",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            [index.arn_for_objects(f"{prefixes.INDEXES}*")],
        ),
        # Operators publish models; no function writes any. Embed removes a retired model's files.
        allow(
            "ReadAndRetireModels",
            ["s3:GetObject", "s3:DeleteObject"],
            [index.arn_for_objects(f"{prefixes.MODELS}*")],
        ),
        # Erasing lists a folder's objects. The permission to list also makes S3 answer 404 rather than 403
        # for a missing object. A condition on the prefix would prevent that: a read has no prefix.
        allow("ListObjects", ["s3:ListBucket"], [images.bucket_arn, index.bucket_arn]),
    ]


def _table_statements(storage: Storage) -> list[iam.PolicyStatement]:
    tables = storage.tables
    return [
        allow(
            "KeepImageRecords",
            [
                "dynamodb:GetItem",
                "dynamodb:BatchGetItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
            ],
            [tables["images"].table_arn],
        ),
        allow(
            "KeepFolders",
            # A model change scans all folders.
            ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Scan"],
            [tables["folders"].table_arn],
        ),
        allow(
            "KeepImagesOfOthers",
            ["dynamodb:BatchGetItem", "dynamodb:Scan", "dynamodb:BatchWriteItem"],
            [tables["other_images"].table_arn],
        ),
        allow(
            "ChangeModels",
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            [tables["deployment"].table_arn],
        ),
        allow(
            "EraseShares",
            ["dynamodb:Query", "dynamodb:BatchWriteItem"],
            [tables["shares"].table_arn],
        ),
        allow("CountJobs", ["dynamodb:UpdateItem"], [tables["jobs"].table_arn]),
    ]


def _notify(bucket: s3.Bucket, queue: sqs.Queue) -> None:
    """Send events of new uploads to ``queue``.

    The notification is declared on the bucket itself. CDK uses a custom resource whose role may change every
    bucket in the account, because a queue policy that names the bucket creates a circular dependency. This
    policy names the account instead.
    """
    policy = queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="BucketEvents",
            principals=[iam.ServicePrincipal("s3.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(queue).account}},
        )
    )
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows CDK's type
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        queue_configurations=[
            s3.CfnBucket.QueueConfigurationProperty(
                event="s3:ObjectCreated:*",
                queue=queue.queue_arn,
                filter=s3.CfnBucket.NotificationFilterProperty(
                    s3_key=s3.CfnBucket.S3KeyFilterProperty(
                        rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value=prefixes.UPLOADS)]
                    )
                ),
            )
        ]
    )
    # S3 sends a test event when the notification is created, so the queue must accept events before that.
    if policy.policy_dependable is not None:
        bucket.node.add_dependency(policy.policy_dependable)
