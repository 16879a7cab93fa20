"""The one stack: the same in AWS, on the embedded emulator and on LocalStack."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnOutput, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.api import Api
from infra.embed_code import EmbedCode
from infra.embedding import Embedding
from infra.function import Layers
from infra.options import StackOptions
from infra.search import Search
from infra.storage import OBJECT_PREFIXES, Storage, output_of_table
from infra.upkeep import Upkeep


class GlimpseStack(Stack):
    """Storage, embedding, index upkeep, search and the API.

    The bucket, the queue and the notification are in one stack because they refer to one another.
    """

    def __init__(self, scope: Construct, construct_id: str, *, options: StackOptions) -> None:
        super().__init__(scope, construct_id, description="Glimpse: find photographs by what they show")
        storage = Storage(self, "Storage", options=options)
        layers = Layers(self, "Layers", options=options)
        code = EmbedCode(layers, options)
        upkeep = Upkeep(self, "Upkeep", storage=storage, code=code, options=options)
        embedding = Embedding(
            self, "Embedding", storage=storage, upkeep=upkeep.work, code=code, options=options
        )
        search = Search(self, "Search", storage=storage, embed=embedding.function, layers=layers)
        api = Api(
            self,
            "Api",
            storage=storage,
            maintenance=embedding.maintenance,
            search=search.alias,
            layers=layers,
            allowed_origins=options.allowed_origins,
        )
        self._outputs(storage, embedding, upkeep, search, api)
        _acknowledge(self, storage)

    def _outputs(
        self, storage: Storage, embedding: Embedding, upkeep: Upkeep, search: Search, api: Api
    ) -> None:
        outputs = {
            "ApiUrl": api.http_api.api_endpoint,
            "ApiId": api.http_api.api_id,
            "ApiFunction": api.function.function_name,
            "EmbedFunction": embedding.function.function_name,
            "SearchFunction": search.function.function_name,
            "SearchAlias": search.alias.function_arn,
            "SearchUrl": search.url.url,
            "ImagesBucket": storage.images.bucket_name,
            "IndexBucket": storage.index.bucket_name,
            **{output_of_table(name): table.table_name for name, table in storage.tables.items()},
            "UploadQueueUrl": embedding.uploads.queue_url,
            "UploadFailuresQueueUrl": embedding.upload_failures.queue_url,
            "MaintenanceQueueUrl": embedding.maintenance.queue_url,
            "MaintenanceFailuresQueueUrl": embedding.maintenance_failures.queue_url,
            "UpkeepFunction": upkeep.function.function_name,
            "UpkeepQueueUrl": upkeep.work.queue.queue_url,
            "UpkeepFailuresQueueUrl": upkeep.work.failures.queue_url,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def _acknowledge(stack: Stack, storage: Storage) -> None:
    """Acknowledge the cdk-nag findings that concern every function."""
    Validations.of(stack).acknowledge(
        Acknowledgment(
            id="AwsSolutions-L1",
            reason="The wheels in the layers and the artefact tests are for Python 3.12.",
        )
    )
    buckets = {"images": storage.images, "index": storage.index}
    for name, prefixes in OBJECT_PREFIXES.items():
        resource = buckets[name].node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows CDK's type
        for prefix in prefixes:
            finding = f"Resource::<{stack.get_logical_id(resource)}.Arn>/{prefix}/*"
            Validations.of(stack).acknowledge(
                Acknowledgment(
                    id=f"AwsSolutions-IAM5[{finding}]",
                    reason="A role names the prefix that it works under; the objects in it come and go.",
                )
            )
