"""The emulator's Lambda workers: few of each function, and none whose death keeps messages away."""

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.settings import DEFAULT_WORKERS
from tests.integration.local.machine import Machine

VISIBILITY_SECONDS = 720

SOURCE = """
import json, os, time

def handler(event, context):
    # A first delivery takes for ever, a second is done at once.
    if "Records" in event:
        count = int(event["Records"][0]["attributes"]["ApproximateReceiveCount"])
        open(event["Records"][0]["body"], "a").write(f"{os.getpid()} {count}\\n")
        time.sleep(600 if count == 1 else 0)
        return {"batchItemFailures": []}
    if "nested" in event:
        import boto3
        answer = boto3.client("lambda").invoke(FunctionName=event["nested"], Payload=b'{"seconds": 0.1}')
        return json.loads(answer["Payload"].read())
    time.sleep(event["seconds"])
    return os.getpid()
"""

TRUST = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"""
MAY_ALL = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine") / "home")
    iam = machine.client("iam")
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=MAY_ALL)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("work.py", SOURCE)
    for name in ("outer", "inner", "consumer"):
        machine.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler="work.handler",
            Timeout=120,
            Code={"ZipFile": code.getvalue()},
        )
        machine.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
    yield machine
    machine.emulator.stop()


def invoke(machine: Machine, name: str, **event: Any) -> Any:
    client = machine.client("lambda")
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())


def test_many_invocations_share_a_few_workers(machine: Machine) -> None:
    with ThreadPoolExecutor(12) as pool:
        workers = list(pool.map(lambda _: invoke(machine, "inner", seconds=0.2), range(12)))
    assert 1 < len(set(workers)) <= DEFAULT_WORKERS


def test_functions_that_invoke_one_another_do_not_wait_for_ever(machine: Machine) -> None:
    with ThreadPoolExecutor(12) as pool:
        workers = list(pool.map(lambda _: invoke(machine, "outer", nested="inner"), range(12)))
    assert len(set(workers)) <= DEFAULT_WORKERS


def test_a_dead_workers_messages_come_again_at_once(machine: Machine, tmp_path: Path) -> None:
    sqs, client = machine.client("sqs"), machine.client("lambda")
    attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
    url = sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.create_event_source_mapping(EventSourceArn=arn, FunctionName="consumer", BatchSize=1)
    bodies = [str(tmp_path / name) for name in ("a", "b")]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    held = {body: _deliveries(body, 1)[0][0] for body in bodies}
    for pid in held.values():
        os.kill(pid, signal.SIGKILL)
    for body in bodies:
        (first, _), (second, count) = _deliveries(body, 2)
        assert (first, count) == (held[body], 2)
        assert second not in held.values()


def _deliveries(body: str, wanted: int) -> list[tuple[int, int]]:
    """Wait for deliveries of a message; each by the worker that had it, and how many it counted."""
    deadline = time.monotonic() + 30
    lines: list[str] = []
    while len(lines) < wanted:
        assert time.monotonic() < deadline, f"{lines} after 30 s; their visibility timeout is longer"
        time.sleep(0.05)
        lines = Path(body).read_text().splitlines() if Path(body).exists() else []
    return [(int(pid), int(count)) for pid, count in map(str.split, lines)]
