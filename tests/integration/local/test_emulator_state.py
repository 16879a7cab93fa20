"""What the embedded emulator still knows after it was killed."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.deploy import client_for
from local.emulator import Emulator
from local.processes import ProcessRecord
from local.settings import Settings
from tests.ports import free_ports

BUCKET = "photographs"
QUEUE = "uploads"


class Machine:
    """An emulator that can be killed."""

    def __init__(self, home: Path) -> None:
        [port] = free_ports(1)
        self.settings = replace(Settings.from_environment({}), home=home, emulator_port=port)
        self.start()

    def start(self) -> None:
        self.emulator = Emulator(self.settings)
        self.emulator.start()

    def kill(self) -> None:
        record = ProcessRecord.read(self.settings.home / "emulator.json")
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        self.emulator.stop()

    def client(self, service: str) -> Any:
        return client_for(self.settings, service)

    def messages(self) -> int:
        """How many messages wait in the queue."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        name = "ApproximateNumberOfMessages"
        return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "home")
    sqs = machine.client("sqs")
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3 = machine.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    policy = f"""{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sqs:SendMessage",
        "Principal": {{"Service": "s3.amazonaws.com"}}, "Resource": "{arn}"}}]}}"""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    sqs.purge_queue(QueueUrl=url)  # the test event
    machine.emulator.stop()  # with all that on disk
    machine.start()
    yield machine
    machine.emulator.stop()


def _put(machine: Machine, number: int) -> None:
    address = machine.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": f"{number}.jpg"}
    )
    assert httpx.put(address, content=b"photograph", trust_env=False).status_code == 200


def test_a_stop_keeps_everything(machine: Machine) -> None:
    machine.client("sqs").create_queue(QueueName="other")
    _put(machine, 0)
    machine.emulator.stop()
    machine.start()
    assert machine.messages() == 1
    assert len(machine.client("sqs").list_queues()["QueueUrls"]) == 2


def test_an_upload_that_was_acknowledged_is_known_after_a_kill_with_its_event(machine: Machine) -> None:
    for number in range(3):
        _put(machine, number)
        machine.kill()
        machine.start()
        assert machine.messages() == number + 1
        listed = machine.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
        assert len(listed) == number + 1


def test_what_cannot_be_saved_is_not_acknowledged(machine: Machine) -> None:
    snapshot = machine.settings.home / "emulator/state.json"
    snapshot.with_suffix(".written").mkdir()  # in the way of the next snapshot
    address = machine.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": "1.jpg"}
    )
    answer = httpx.put(address, content=b"photograph", trust_env=False)
    assert answer.status_code == 503
    assert "can't be saved" in answer.json()["detail"]
    snapshot.with_suffix(".written").rmdir()
    _put(machine, 1)
