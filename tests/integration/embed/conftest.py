"""The embed function with a tiny model, in-process."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from glimpse.generations.models import DeploymentModel
from glimpse.records import ImageRecord
from glimpse.records.models import MODELS, OtherImageModel, reset_connections
from moto import mock_aws

from tests.integration.embed.world import OTHER_SPACE, SPACE, World
from tests.unit.encoder.tiny_bundle import write_bundle

TABLES = (*MODELS, OtherImageModel, DeploymentModel)

Handler = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="session")
def bundle_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in use; another one, of another space, lies beside it."""
    models = tmp_path_factory.mktemp("models")
    write_bundle(models / "other", space_id=OTHER_SPACE, name="Other", seed=7)
    return write_bundle(models / "tiny", space_id=SPACE)


@pytest.fixture(scope="module")
def session() -> Iterator[boto3.Session]:
    """One for many tests: the descriptions of AWS's services take long to load, and pynamodb's do again."""
    reset_connections(TABLES)
    yield boto3.Session("testing", "testing", region_name="eu-central-1")
    reset_connections(TABLES)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, bundle_dir: Path, session: boto3.Session) -> Iterator[World]:
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "GLIMPSE_IMAGES_BUCKET": "images",
        "GLIMPSE_INDEX_BUCKET": "index",
        "GLIMPSE_IMAGES_TABLE": "images",
        "GLIMPSE_FOLDERS_TABLE": "folders",
        "GLIMPSE_JOBS_TABLE": "jobs",
        "GLIMPSE_SHARES_TABLE": "shares",
        "GLIMPSE_DEPLOYMENT_TABLE": "deployment",
        "GLIMPSE_OTHER_IMAGES_TABLE": "other_images",
        "GLIMPSE_MODELS_DIR": str(bundle_dir.parent),
        "GLIMPSE_WORKERS": "1",
        "GLIMPSE_MAX_RECEIVES": "5",
    }.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        for model in TABLES:
            model.create_table(wait=False)
        for bucket in ("images", "index"):
            boto3.client("s3").create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        queue_url = boto3.client("sqs").create_queue(QueueName="maintenance")["QueueUrl"]
        monkeypatch.setenv("GLIMPSE_MAINTENANCE_QUEUE_URL", queue_url)
        upkeep_url = boto3.client("sqs").create_queue(QueueName="upkeep")["QueueUrl"]
        monkeypatch.setenv("GLIMPSE_UPKEEP_QUEUE_URL", upkeep_url)
        world = World(bundle_dir, queue_url=queue_url, upkeep_url=upkeep_url)
        world.make_folder()
        yield world


@pytest.fixture
def handler(world: World) -> Iterator[Handler]:
    """The Lambda entry point, imported as a cold start does, with five minutes for each invocation."""
    module = importlib.import_module("functions.embed.handler")
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
    yield lambda event: module.handler(event, context)
    del sys.modules["functions.embed.handler"]


def stored(record: ImageRecord, sequencer: str = "0A") -> dict[str, Any]:
    """S3's event of an object, as the body of a message."""
    s3 = {"bucket": {"name": "images"}, "object": {"key": record.key, "sequencer": sequencer}}
    return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}


def batch(*bodies: dict[str, Any], receive_count: int = 1) -> dict[str, Any]:
    """SQS's event of messages with these bodies, named m0, m1…"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "body": json.dumps(body),
                "attributes": {"ApproximateReceiveCount": str(receive_count)},
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
    }


def again(answer: dict[str, Any]) -> list[str]:
    """The messages that have to come again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
