"""The search service: a function behind an alias, with a function URL that only accepts signed requests."""

from __future__ import annotations

from aws_cdk import Duration, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import prefixes
from infra.function import FunctionParts, Layers, ZipFunction, allow
from infra.storage import Storage

ALIAS = "glimpse"
"""The alias that the API and the function URL use; its name is the namespace of their indexes."""

# Room for 768 MB of segments (GLIMPSE_CACHE_MEMORY_MB) and the text encoder: ViT-B/32's takes 64 MB in int8
# and 254 MB in fp32; SigLIP2's, with a vocabulary of 256,000, takes 1.1 GB in fp32. During a model change
# there are two encoders.
MEMORY_MB = 3008

# Room for 1.5 GB of segments (GLIMPSE_CACHE_DISK_MB), a second level behind those in memory, and two text
# encoders as downloaded from the bucket. This storage costs a few thousandths of the price of the memory.
STORAGE = Size.gibibytes(4)


class Search(Construct):
    """The search function, its alias and its URL.

    A backend with its own id sequence gets its own alias, and a role that may invoke only that. SnapStart is
    off: it would shorten cold starts, but a snapshot is billed by the hour, and Glimpse costs next to nothing
    while nobody searches.

    Attributes
    ----------
    alias : lambda_.Alias
        The alias that callers invoke.
    url : lambda_.FunctionUrl
        The alias's URL, authorized by IAM.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        embed: lambda_.Function,
        layers: Layers,
    ) -> None:
        super().__init__(scope, construct_id)
        parts = FunctionParts(
            self,
            "Parts",
            service="search",
            statements=_statements(storage, embed),
            environment={
                "GLIMPSE_INDEX_BUCKET": storage.index.bucket_name,
                "GLIMPSE_EMBED_FUNCTION": embed.function_name,
                "GLIMPSE_DEPLOYMENT_TABLE": storage.tables["deployment"].table_name,
                "GLIMPSE_FOLDERS_TABLE": storage.tables["folders"].table_name,
                "GLIMPSE_OTHER_IMAGES_TABLE": storage.tables["other_images"].table_name,
            },
            memory_mb=MEMORY_MB,
            timeout=Duration.seconds(28),
            ephemeral_storage_size=STORAGE,
        )
        self.function = ZipFunction(self, "Zip", name="search", layers=layers, parts=parts).function
        self.alias = lambda_.Alias(self, "Alias", alias_name=ALIAS, version=self.function.current_version)
        self.url = self.alias.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)


def _statements(storage: Storage, embed: lambda_.Function) -> list[iam.PolicyStatement]:
    index = storage.index
    return [
        # Creating and deleting an index are commits, too: a new manifest replaces the old one.
        # The content of a deleted index is removed immediately: embeddings are personal data.
        allow(
            "ReadCommitAndDeleteIndexes",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            [index.arn_for_objects(f"{prefixes.INDEXES}*")],
        ),
        # Operators publish models; no function writes any.
        allow("ReadModels", ["s3:GetObject"], [index.arn_for_objects(f"{prefixes.MODELS}*")]),
        # Makes S3 answer 404 rather than 403 for a missing index or model.
        allow("TellMissingObjects", ["s3:ListBucket"], [index.bucket_arn]),
        allow("AskEmbed", ["lambda:InvokeFunction"], [embed.function_arn]),
        allow("ReadActiveModel", ["dynamodb:GetItem"], [storage.tables["deployment"].table_arn]),
        allow(
            "RaiseVersionOfDeletedIndex",
            ["dynamodb:UpdateItem"],
            [storage.tables["folders"].table_arn],
        ),
        allow(
            "ForgetImagesOfOthers",
            ["dynamodb:Query", "dynamodb:BatchWriteItem"],
            [storage.tables["other_images"].table_arn],
        ),
    ]
