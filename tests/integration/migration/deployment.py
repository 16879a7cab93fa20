"""A deployment for imports: tables and buckets, and a model whose name says that old vectors are its own."""

from dataclasses import dataclass
from typing import Any

import boto3
from glimpse.generations import Generation, GenerationStore
from glimpse.generations.models import MODELS as GENERATION_MODELS
from glimpse.index import IndexKey, IndexReader, S3ObjectStore
from glimpse.records.models import MODELS as RECORD_MODELS
from numpy.typing import NDArray

from deployment.tables import opened
from deployment.target import Target
from functions.api.storage.models import MODELS as API_MODELS
from migration.storage.stores import NAMESPACE
from tests.integration.migration.old import DIMENSION

MODELS = (*RECORD_MODELS, *API_MODELS, *GENERATION_MODELS)
SPACE = "openai-clip"
TABLES = (
    "Users", "Usernames", "Sessions", "Folders", "FolderNames", "Images", "Jobs", "Counters",
    "Deployment", "Shares",
)  # fmt: skip
OUTPUTS = {
    **{f"{name}Table": f"old-{name.lower()}" for name in TABLES},
    "ImagesBucket": "imported-images",
    "IndexBucket": "imported-index",
}


Keys = tuple[str, str]
"""An access key: its id and its secret."""

MOTO: Keys = ("test", "test")


@dataclass
class Deployment:
    """What an import goes to."""

    target: Target

    @classmethod
    def create(
        cls, endpoint: str | None = None, model: str = "ViT-B-32__openai", keys: Keys = MOTO
    ) -> "Deployment":
        """Make tables, buckets and the pointer to the model."""
        deployment = cls.there(endpoint, keys)
        for bucket in ("ImagesBucket", "IndexBucket"):
            deployment.s3.create_bucket(Bucket=OUTPUTS[bucket])
        with opened(deployment.target, MODELS):
            for table in {table.Meta.table_name: table for table in MODELS}.values():
                table.create_table(wait=False)
            GenerationStore().initialize(Generation(model, SPACE, "a" * 64, DIMENSION))
        return deployment

    @classmethod
    def there(cls, endpoint: str | None = None, keys: Keys = MOTO) -> "Deployment":
        """Reach one that was made before."""
        session = boto3.Session(*keys, region_name="us-east-1")
        queue = session.client("sqs", endpoint_url=endpoint).create_queue(QueueName="imported-upkeep")
        outputs = {**OUTPUTS, "UpkeepQueueUrl": queue["QueueUrl"]}
        return cls(Target("this test", "test", outputs, session, endpoint))

    @property
    def s3(self) -> Any:
        return self.target.client("s3")

    def keys(self, bucket: str = "ImagesBucket") -> list[str]:
        """The keys of a bucket's objects."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=OUTPUTS[bucket])
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def search(self, owner_id: int, folder_id: int, vector: NDArray[Any], top_k: int = 10) -> list[int]:
        """The ids of the best images of a folder, best first."""
        store = S3ObjectStore(OUTPUTS["IndexBucket"], self.s3)
        reader = IndexReader(store, disk_budget_bytes=0)
        answer = reader.search([IndexKey(NAMESPACE, SPACE, owner_id, folder_id)], vector, top_k)
        return [hit.image_id for hit in answer.hits]
