"""Uploads whose worker died before it answered end as all others do."""

import json
from datetime import datetime, timedelta

import boto3
import pytest
from glimpse.records import ImageRecord, ImageStatus, JobStatus

from deployment.target import Target
from functions.embed.services.embedding.preparing import ABSENT
from local.reconciler import FORM_SECONDS, MOST_EVENTS, Reconciler
from tests.integration.embed.conftest import Handler, again, batch, stored
from tests.integration.embed.world import NOW, World, photo

DURING = NOW + timedelta(seconds=30)
LIMIT = NOW + timedelta(seconds=60)
AFTER = NOW + timedelta(seconds=90)


class Machine:
    """A world with the queue of uploads, at a moment that the test says."""

    def __init__(self, world: World, handler: Handler, session: boto3.Session) -> None:
        self._world, self._handler = world, handler
        self.queue = world.sqs.create_queue(QueueName="uploads")["QueueUrl"]
        outputs = {
            "UploadQueueUrl": self.queue,
            "ImagesBucket": "images",
            "ImagesTable": "images",
            "JobsTable": "jobs",
        }
        self.now = DURING
        target = Target("this machine", "machine", outputs, session, None)
        self._reconciler = Reconciler(target, lambda: self.now.timestamp())

    def take_up(self, *, by_embed: bool = True) -> int:
        """Look once, and have embed do what was sent, or nobody."""
        count = self._reconciler.reconcile()
        messages = self._world.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        for message in messages.get("Messages", []):
            if by_embed:
                assert not again(self._handler(batch(json.loads(message["Body"]))))
            self._world.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return count


@pytest.fixture
def machine(world: World, handler: Handler, session: boto3.Session) -> Machine:
    return Machine(world, handler, session)


def test_what_is_there_is_indexed_and_what_never_came_fails(machine: Machine, world: World) -> None:
    here, missing = world.announce(["camera.png", "coffee.png"], awaited_until=LIMIT)
    world.put(here.key, photo("camera.png"))
    assert machine.take_up() == 1
    assert world.image(here.image_id).status is ImageStatus.INDEXED
    assert world.image(missing.image_id).status is ImageStatus.PENDING  # its worker may be at it
    assert machine.take_up() == 0

    machine.now = AFTER
    assert machine.take_up() == 1
    failed = world.image(missing.image_id)
    assert (failed.status, failed.reason) == (ImageStatus.FAILED, ABSENT)
    assert world.job().status is JobStatus.COMPLETED
    assert machine.take_up() == 0


@pytest.mark.parametrize(("age", "is_over"), [(FORM_SECONDS - 1, False), (FORM_SECONDS + 1, True)])
def test_jobs_of_an_earlier_version_wait_as_long_as_a_form_lives(
    machine: Machine, world: World, age: int, is_over: bool
) -> None:
    [record] = world.announce(["coffee.png"])
    machine.now = NOW + timedelta(seconds=age)
    assert machine.take_up() == is_over
    expected = ImageStatus.FAILED if is_over else ImageStatus.PENDING
    assert world.image(record.image_id).status is expected


def test_nothing_is_sent_while_events_are_on_their_way(machine: Machine, world: World) -> None:
    [record] = world.announce(["camera.png"], awaited_until=LIMIT)
    world.put(record.key, photo("camera.png"))
    world.sqs.send_message(QueueUrl=machine.queue, MessageBody=json.dumps(stored(record)), DelaySeconds=600)
    assert machine.take_up() == 0


def test_an_object_that_comes_after_all_is_indexed(machine: Machine, world: World, handler: Handler) -> None:
    [record] = world.announce(["camera.png"], awaited_until=LIMIT)
    machine.now = AFTER
    machine.take_up()
    world.put(record.key, photo("camera.png"))
    handler(batch(stored(record)))
    assert world.image(record.image_id).status is ImageStatus.INDEXED
    assert world.job().failures == ()


def test_what_does_not_help_is_not_done_for_ever(machine: Machine, world: World) -> None:
    world.announce(["camera.png"], awaited_until=LIMIT)
    machine.now = AFTER
    assert [machine.take_up(by_embed=False) for _ in range(MOST_EVENTS + 2)] == [1] * MOST_EVENTS + [0, 0]


def test_finished_jobs_are_left_alone(machine: Machine, world: World, handler: Handler) -> None:
    records: list[ImageRecord] = world.upload("camera.png", "coffee.png")
    handler(batch(*map(stored, records)))
    machine.now = datetime.max.replace(tzinfo=NOW.tzinfo) - timedelta(days=400)
    assert machine.take_up() == 0
