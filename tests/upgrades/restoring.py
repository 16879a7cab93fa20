"""The current functions on what earlier ones wrote, as if they had written it just now."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.upgrades.cloud import IMAGES, INDEX, Cloud, running
from tests.upgrades.fixtures import archive, document

_TIME = "%Y-%m-%dT%H:%M:%S.%f%z"


@contextmanager
def taken_over(writer: str, folder: Path) -> Iterator[tuple[Cloud, Any]]:
    """Start the functions on what was written, and give what was answered then."""
    with running(folder) as cloud:
        _restore(cloud, document(writer, "tables"))
        for bucket in (IMAGES, INDEX):
            for key, data in archive(writer, bucket).items():
                cloud.s3.put_object(Bucket=bucket, Key=key, Body=data)
        cloud.delivered.update(cloud.keys(IMAGES, "uploads/"))
        yield cloud, document(writer, "answers") | {"writer": writer}


def _restore(cloud: Cloud, written: Any) -> None:
    """Put items into tables, and messages into queues.

    Sessions and jobs expire, and uploads are awaited for an hour: that time has not passed either.
    """
    later = int(time.time()) - written["written_at"]
    for table, items in written["tables"].items():
        for item in items:
            cloud.dynamodb.put_item(TableName=table, Item=_moved(item, later))
    for queue, messages in written["queues"].items():
        for message in messages:
            url = cloud.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            cloud.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))


def _moved(item: dict[str, Any], later: int) -> dict[str, Any]:
    moved = dict(item)
    if "expires_at" in item:
        moved["expires_at"] = {"N": str(int(item["expires_at"]["N"]) + later)}
    if "S" in item.get("awaited_until", {}):
        awaited = datetime.strptime(item["awaited_until"]["S"], _TIME) + timedelta(seconds=later)
        moved["awaited_until"] = {"S": awaited.strftime(_TIME)}
    return moved


def assert_says(answer: Any, before: Any, at: str = "") -> None:
    """See that an answer says what an earlier one did; it may say more."""
    if isinstance(before, dict):
        for name, value in before.items():
            assert name in answer, f"{at}/{name}"
            assert_says(answer[name], value, f"{at}/{name}")
    elif isinstance(before, list):
        assert len(answer) == len(before), at
        for place, (now, value) in enumerate(zip(answer, before, strict=True)):
            assert_says(now, value, f"{at}/{place}")
    elif isinstance(before, float):
        assert answer == pytest.approx(before, abs=1e-5), at
    else:
        assert answer == before, at
