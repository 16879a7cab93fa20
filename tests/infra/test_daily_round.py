"""The event of the daily rule, as the template states it, and the function that gets it agree."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import numpy as np
import pytest
from glimpse.index import IndexKey, IndexWriter, S3ObjectStore, VectorBatch
from moto import mock_aws

from tests.infra.templates import Template, resources

BUCKET = "index"
INDEX = IndexKey("glimpse", "space", 1, 3)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@pytest.fixture
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The upkeep queue, in an account with a bucket and the function's environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        url = boto3.client("sqs").create_queue(QueueName="upkeep")["QueueUrl"]
        monkeypatch.setenv("GLIMPSE_INDEX_BUCKET", BUCKET)
        monkeypatch.setenv("GLIMPSE_UPKEEP_QUEUE_URL", url)
        yield str(url)


@pytest.fixture
def handler(queue_url: str) -> Iterator[Handler]:
    """The entry point that the upkeep function has, imported as a cold start does."""
    name = "functions.upkeep.handler"
    yield importlib.import_module(name).handler
    del sys.modules[name]


def test_the_rules_event_has_indexes_looked_after(
    template: Template, queue_url: str, handler: Handler
) -> None:
    attempt = IndexWriter(S3ObjectStore(BUCKET)).begin(INDEX)
    for image_id in range(25):
        ids = np.array([image_id], np.int64)
        attempt.commit(VectorBatch(ids, np.eye(4, dtype=np.float32)[:1], ids))
    [rule] = resources(template, "AWS::Events::Rule").values()
    [target] = rule["Properties"]["Targets"]

    message = {
        "messageId": "m0",
        "body": target["Input"],
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
    }
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
    assert handler({"Records": [message]}, context) == {"batchItemFailures": []}

    delayed = ["ApproximateNumberOfMessagesDelayed"]
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=delayed)
    assert answer["Attributes"] == {delayed[0]: "1"}
