"""What an operator of a stack can see and do, and its users can't."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote_plus

import httpx
from boto3.dynamodb.types import TypeDeserializer
from glimpse.index import IndexKey
from glimpse.index.format import tombstones
from glimpse.index.format.manifest import Manifest
from glimpse.index.segments.flat import FlatSegment

from tests.e2e.stack import Stack

NAMESPACE = "glimpse"
_QUIET_LOOKS = 4
_IN_FLIGHT, _VISIBLE = "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessages"


class Backstage:
    """The queues, workers, records, objects and indexes of one stack."""

    def __init__(self, stack: Stack) -> None:
        outputs = stack.outputs
        self.upload_queue: str = outputs["UploadQueueUrl"]
        self.sqs = stack.client("sqs")
        self._queues = (self.upload_queue, outputs["MaintenanceQueueUrl"])
        self._s3, self._dynamodb = stack.client("s3"), stack.client("dynamodb")
        self._images, self._index = outputs["ImagesBucket"], outputs["IndexBucket"]
        embed = outputs["EmbedFunction"]
        configuration = stack.client("lambda").get_function_configuration(FunctionName=embed)
        self._variables: dict[str, str] = configuration["Environment"]["Variables"]
        # Each worker runs a script in a folder of its own under the stack's home.
        self._mark = f"{stack.settings.home}/emulator/tmp/ministack-lambda-{embed}-"
        health = httpx.get(f"{stack.search_url}/health", timeout=60, trust_env=False).json()
        self._space_id: str = health["model"]["space_id"]

    def kill_worker(self, chance: random.Random) -> int:
        """End one of the embed function's workers without notice, and give 1, or 0 if there is none."""
        command = ["ps", "-A", "-ww", "-o", "pid=,command="]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        workers = [int(line.split()[0]) for line in listing.splitlines() if self._mark in line]
        if not workers:
            return 0
        with suppress(ProcessLookupError):  # it ended by itself
            os.kill(chance.choice(workers), signal.SIGKILL)
        return 1

    @contextmanager
    def patience(self, seconds: int) -> Iterator[None]:
        """Have uploads come again after another time than the stack's, and as often as it takes.

        Killing a worker makes the emulator itself stumble: it may fail several deliveries before the next
        worker is up, and a message would be set aside without the function ever having seen it.
        """
        names = ["VisibilityTimeout", "RedrivePolicy"]
        queue = {"QueueUrl": self.upload_queue}
        usual = self.sqs.get_queue_attributes(**queue, AttributeNames=names)["Attributes"]
        redrive = json.dumps({**json.loads(usual["RedrivePolicy"]), "maxReceiveCount": 1000})
        patient = {"VisibilityTimeout": str(seconds), "RedrivePolicy": redrive}
        self.sqs.set_queue_attributes(**queue, Attributes=patient)
        try:
            yield
        finally:
            self.sqs.set_queue_attributes(**queue, Attributes=usual)

    def messages_in_flight(self) -> int:
        """How many messages workers hold."""
        return self._count(_IN_FLIGHT)

    def settle(self, timeout: float = 120) -> None:
        """Wait until the queues stay empty for a second, so that nothing is left to be done."""
        deadline = time.monotonic() + timeout
        quiet = 0
        while quiet < _QUIET_LOOKS:
            quiet = 0 if self._count(_IN_FLIGHT, _VISIBLE) else quiet + 1
            assert time.monotonic() < deadline, "the queues do not become empty"
            time.sleep(0.25)

    def _count(self, *names: str) -> int:
        answers = [
            self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names) for queue in self._queues
        ]
        return sum(int(count) for answer in answers for count in answer["Attributes"].values())

    def send_event(self, key: str, sequencer: str) -> None:
        """Say, as S3 does, that an object was stored."""
        stored = {
            "bucket": {"name": self._images},
            "object": {"key": quote_plus(key, safe="/"), "sequencer": sequencer},
        }
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": stored}
        self.sqs.send_message(QueueUrl=self.upload_queue, MessageBody=json.dumps({"Records": [record]}))

    def records(self, folder_id: int) -> list[dict[str, Any]]:
        """The image records of a folder."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._variables["GLIMPSE_IMAGES_TABLE"],
            KeyConditionExpression="folder_id = :folder",
            ExpressionAttributeValues={":folder": {"N": str(folder_id)}},
            ConsistentRead=True,
        )
        read = TypeDeserializer().deserialize
        return [
            {name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]
        ]

    def has_folder(self, folder_id: int) -> bool:
        """Whether there is a record of the folder."""
        answer = self._dynamodb.get_item(
            TableName=self._variables["GLIMPSE_FOLDERS_TABLE"],
            Key={"folder_id": {"N": str(folder_id)}},
            ConsistentRead=True,
        )
        return "Item" in answer

    def has_object(self, key: str) -> bool:
        """Whether the bucket of images has an object of this key."""
        return self._s3.list_objects_v2(Bucket=self._images, Prefix=key)["KeyCount"] > 0

    def objects(self, owner_id: int, folder_id: int) -> list[str]:
        """The keys of a folder's originals and renditions."""
        return [
            entry["Key"]
            for prefix in ("uploads", "thumbnails")
            for page in self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._images, Prefix=f"{prefix}/{owner_id}/{folder_id}/"
            )
            for entry in page.get("Contents", [])
        ]

    def manifest(self, owner_id: int, folder_id: int) -> Manifest | None:
        """What is part of a folder's index; None where none was ever written."""
        key = self._index_key(owner_id, folder_id)
        try:
            return Manifest.parse(self._read(key.manifest), key)
        except self._s3.exceptions.NoSuchKey:
            return None

    def indexed(self, owner_id: int, folder_id: int) -> Counter[int]:
        """How many vectors a folder's index has for each image, read without the help of its reader."""
        manifest = self.manifest(owner_id, folder_id)
        assert manifest is not None
        key = self._index_key(owner_id, folder_id)
        masks = [
            (entry.sequence, set(tombstones.decode(self._read(key.object(entry.key))).tolist()))
            for entry in manifest.tombstones
        ]
        found: Counter[int] = Counter()
        for entry in manifest.segments:
            segment = FlatSegment.decode(self._read(key.object(entry.key)), self._space_id)
            younger = set[int]().union(*(ids for sequence, ids in masks if sequence > entry.sequence))
            found.update(image_id for image_id in segment.image_ids.tolist() if image_id not in younger)
        return found

    def _index_key(self, owner_id: int, folder_id: int) -> IndexKey:
        return IndexKey(NAMESPACE, self._space_id, owner_id, folder_id)

    def _read(self, key: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=self._index, Key=key)["Body"].read())
