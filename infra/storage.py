"""Buckets and tables: everything that outlives a deployment."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.options import StackOptions

_NUMBER = dynamodb.AttributeType.NUMBER
_STRING = dynamodb.AttributeType.STRING

_KEYS: dict[str, tuple[tuple[str, dynamodb.AttributeType], ...]] = {
    "users": (("user_id", _NUMBER),),
    "usernames": (("username", _STRING),),
    "sessions": (("token_hash", _STRING),),
    "folders": (("folder_id", _NUMBER),),
    "folder_names": (("owner_id", _NUMBER), ("folder_name", _STRING)),
    "images": (("folder_id", _NUMBER), ("image_id", _NUMBER)),
    "jobs": (("job_id", _NUMBER),),
    "counters": (("name", _STRING),),
    "deployment": (("name", _STRING),),
    "other_images": (("index_key", _STRING), ("image_id", _NUMBER)),
    "shares": (("folder_id", _NUMBER), ("user_id", _NUMBER)),
}
OBJECT_PREFIXES = {"images": ("uploads", "thumbnails", "images"), "index": ("indexes", "models")}
"""The prefixes in each bucket (docs/data-model.md); a role names those that it needs."""

_EXPIRING = {"sessions", "jobs"}

_NO_ACCESS_LOGS = "Logs would contain the query strings of presigned URLs: credentials until they expire."


def output_of_table(name: str) -> str:
    """Return the name of the stack output that holds a table's name."""
    return f"{name.title().replace('_', '')}Table"


class Storage(Construct):
    """The two buckets and the tables.

    Because they hold people's photographs, the buckets and tables are all retained when the stack is
    destroyed; the tables are also protected from deletion.

    Attributes
    ----------
    images : s3.Bucket
        Originals and thumbnails.
    index : s3.Bucket
        Segments, tombstones, manifests and model bundles.
    tables : dict[str, dynamodb.Table]
        The tables, keyed by short name (see docs/data-model.md).
    """

    def __init__(self, scope: Construct, construct_id: str, *, options: StackOptions) -> None:
        super().__init__(scope, construct_id)
        self._options = options
        self.images = self._bucket(
            "ImagesBucket",
            cors=[
                # Browsers upload to and read from presigned URLs. The URL is the permission, whatever the
                # page's origin, unless the deployment restricts origins. ETag tells an uploader what arrived.
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.HEAD, s3.HttpMethods.POST],
                    allowed_origins=list(options.allowed_origins),
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
        )
        self.index = self._bucket("IndexBucket")
        self.tables = {name: self._table(name) for name in _KEYS}
        self.tables["sessions"].add_global_secondary_index(
            index_name="by_user",
            partition_key=dynamodb.Attribute(name="user_id", type=_NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        self.tables["shares"].add_global_secondary_index(
            index_name="by_user", partition_key=dynamodb.Attribute(name="user_id", type=_NUMBER)
        )

    def _bucket(self, construct_id: str, *, cors: list[s3.CorsRule] | None = None) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=not self._options.plain_http,
            cors=cors,
            # Versioning is off: erasing a photograph must erase it. The second rule applies in case an
            # operator turns versioning on.
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="abort-incomplete-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)
                ),
                s3.LifecycleRule(
                    id="expire-noncurrent-versions",
                    noncurrent_version_expiration=Duration.days(7),
                    expired_object_delete_marker=True,
                ),
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
        nag = Validations.of(bucket)
        nag.acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=_NO_ACCESS_LOGS))
        if self._options.plain_http:
            nag.acknowledge(Acknowledgment(id="AwsSolutions-S10", reason="The emulator speaks plain HTTP."))
        return bucket

    def _table(self, name: str) -> dynamodb.Table:
        partition, *sort = (dynamodb.Attribute(name=key, type=kind) for key, kind in _KEYS[name])
        return dynamodb.Table(
            self,
            output_of_table(name),
            partition_key=partition,
            sort_key=sort[0] if sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at" if name in _EXPIRING else None,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
