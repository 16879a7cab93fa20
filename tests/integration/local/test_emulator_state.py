"""What the embedded emulator still knows after it was killed."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.emulator.logs import MOST_CHARACTERS, MOST_STREAMS
from local.emulator.saving import REST_SECONDS
from tests.integration.local.machine import BUCKET, QUEUE, Machine


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


def test_a_deletion_that_was_not_saved_is_taken_back_by_the_next_start(machine: Machine) -> None:
    for number in range(2):
        _put(machine, number)
    s3 = machine.client("s3")
    with machine.unsaved():
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "0.jpg"}, {"Key": "1.jpg"}]})
        s3.put_object(Bucket=BUCKET, Key="2.jpg", Body=b"a worker's")
        machine.kill()
    machine.start()
    listed = machine.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert {entry["Key"] for entry in listed} == {"0.jpg", "1.jpg"}
    body = machine.client("s3").get_object(Bucket=BUCKET, Key="1.jpg")["Body"].read()
    assert body == b"photograph"
    assert machine.messages() == 2


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


def test_only_the_owner_can_read_the_state(machine: Machine) -> None:
    _put(machine, 0)
    assert machine.folder.stat().st_mode & 0o777 == 0o700
    secrets = [machine.folder / "state.json", *(machine.folder / "s3").rglob("*.jpg")]
    assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600] * 2


def test_the_state_holds_the_youngest_logs_alone(machine: Machine) -> None:
    logs = machine.client("logs")
    logs.create_log_group(logGroupName="function")
    for number in range(2 * MOST_STREAMS):  # each of a thousand characters
        stream = f"{number:03}"
        logs.create_log_stream(logGroupName="function", logStreamName=stream)
        events = [{"timestamp": int(time.time() * 1000), "message": f"{stream}{'x' * 200}"}] * 5
        logs.put_log_events(logGroupName="function", logStreamName=stream, logEvents=events)
    time.sleep(REST_SECONDS + 1)
    _put(machine, 0)
    text = (machine.folder / "state.json").read_text()
    assert f"{2 * MOST_STREAMS - 1:03}xxx" in text
    assert text.count("x" * 200) * 200 <= 2 * MOST_CHARACTERS + 50 * 200
    assert len(logs.describe_log_streams(logGroupName="function")["logStreams"]) <= MOST_STREAMS
