"""What a deployment holds, so that tests can share one that took long to make, and put it back."""

from collections.abc import Iterator
from typing import Any

from tests.integration.migration.deployment import OUTPUTS, TABLES, Deployment

Items = list[dict[str, Any]]

_BUCKETS = ("ImagesBucket", "IndexBucket")


class Snapshot:
    """The tables' items and the buckets' objects, as they were when this was made."""

    def __init__(self, deployment: Deployment) -> None:
        self._s3, self._dynamodb = deployment.s3, deployment.target.client("dynamodb")
        self._tables = [OUTPUTS[f"{name}Table"] for name in TABLES]
        self._keys = {table: self._key_of(table) for table in self._tables}
        self._items = {table: self._scan(table) for table in self._tables}
        self._etags = {bucket: dict(self._list(bucket)) for bucket in _BUCKETS}
        self._bodies = {
            (bucket, key): self._s3.get_object(Bucket=OUTPUTS[bucket], Key=key)["Body"].read()
            for bucket, etags in self._etags.items()
            for key in etags
        }

    def restore(self) -> None:
        """Undo what was done since."""
        for table, before in self._items.items():
            after = self._scan(table)
            for item in after:
                if item not in before:
                    key = {name: item[name] for name in self._keys[table]}
                    self._dynamodb.delete_item(TableName=table, Key=key)
            for item in before:
                if item not in after:
                    self._dynamodb.put_item(TableName=table, Item=item)
        for bucket, etags in self._etags.items():
            now = dict(self._list(bucket))
            for key in now.keys() - etags.keys():
                self._s3.delete_object(Bucket=OUTPUTS[bucket], Key=key)
            for key, etag in etags.items():
                if now.get(key) != etag:
                    self._s3.put_object(Bucket=OUTPUTS[bucket], Key=key, Body=self._bodies[bucket, key])

    def _key_of(self, table: str) -> list[str]:
        schema = self._dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
        return [part["AttributeName"] for part in schema]

    def _scan(self, table: str) -> Items:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]

    def _list(self, bucket: str) -> Iterator[tuple[str, str]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=OUTPUTS[bucket]):
            yield from ((entry["Key"], entry["ETag"]) for entry in page.get("Contents", []))
