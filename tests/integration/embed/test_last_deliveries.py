"""An image that cannot be processed harms no other, ends FAILED, and can still be mended."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from glimpse.generations import CachedGenerations
from glimpse.index import IndexMaintenance
from glimpse.keys import UploadKey
from glimpse.records import ImageRecord, ImageStatus, JobStatus
from numpy.typing import NDArray
from PIL import Image

from functions.embed.services.embedding.encoders import Encoders
from functions.embed.services.upload.events import UploadEvent, UploadOutcome
from functions.embed.services.upload.indexer import UploadIndexer
from tests.integration.embed.conftest import Handler, again, batch, stored
from tests.integration.embed.staging import process, wiring
from tests.integration.embed.world import World, photo

ROCKET = (640, 427)


class Killed(BaseException):
    """The worker ran out of memory; nothing catches this."""


def indexer(world: World, poison: Callable[[], BaseException]) -> UploadIndexer:
    """One to which the rocket is poison."""

    def preprocess(image: Image.Image) -> NDArray[np.float32]:
        if image.size == ROCKET:
            raise poison()
        return world.encoder.preprocessing(image)

    encoder = SimpleNamespace(
        batch=1, side=8, preprocessing=preprocess, embed_pixels=world.encoder.embed_pixels
    )
    encoders = Encoders(CachedGenerations(world.generations), lambda _: encoder)
    return replace(wiring(world), encoders=encoders).upload_indexer(max_receives=5)


def events(records: list[ImageRecord], receive_count: int, sequencer: str = "0A") -> list[UploadEvent]:
    return [UploadEvent(UploadKey.parse(record.key), sequencer, receive_count) for record in records]


def test_a_killed_workers_batch_is_finished_but_for_the_one_that_kills(world: World) -> None:
    records = world.upload("coffee.png", "rocket.jpg", "chelsea.png")
    poisoned = indexer(world, lambda: Killed("out of memory"))
    for receive_count in range(1, 6):
        with pytest.raises(Killed):
            poisoned.process(events(records, receive_count))
    assert world.indexed_ids() == [records[0].image_id, records[2].image_id]
    failed = world.image(records[1].image_id)
    assert failed.status is ImageStatus.FAILED
    assert "several tries" in (failed.reason or "")
    job = world.job()
    assert (job.status, job.processed_images, len(job.failures)) == (JobStatus.COMPLETED, 3, 1)

    # Someone mends the cause, and moves the message back from the dead-letter queue.
    assert process(world, *events([records[1]], 1)) == [UploadOutcome.INDEXED]
    job = world.job()
    assert (job.processed_images, job.failures, world.folder().image_count) == (3, (), 3)
    assert world.image(records[1].image_id).reason is None


def test_until_its_last_delivery_an_image_is_pending(world: World) -> None:
    (record,) = world.upload("rocket.jpg")
    poisoned = indexer(world, lambda: RuntimeError("no such filter"))
    for receive_count in (1, 2, 3, 4, 5):
        assert world.image(record.image_id).status is ImageStatus.PENDING
        (result,) = poisoned.process(events([record], receive_count)).values()
        assert result.outcome is UploadOutcome.POSTPONED  # so that the dead-letter queue gets it
    assert world.image(record.image_id).status is ImageStatus.FAILED
    assert world.job().status is JobStatus.FAILED


def test_a_last_delivery_may_succeed(world: World) -> None:
    (record,) = world.upload("rocket.jpg")
    assert process(world, *events([record], 5)) == [UploadOutcome.INDEXED]
    assert (world.image(record.image_id).status, world.job().failures) == (ImageStatus.INDEXED, ())
    assert (world.job().processed_images, world.folder().image_count) == (1, 1)


def test_a_replacement_that_is_given_up_leaves_the_earlier_picture(world: World) -> None:
    (record,) = world.upload("coffee.png")
    process(world, *events([record], 1))
    world.put(record.key, photo("rocket.jpg"))
    indexer(world, lambda: RuntimeError("no such filter")).process(events([record], 5, "0B"))
    assert world.image(record.image_id).sequencer == "0A"
    assert world.search(photo("coffee.png"))[0][1] > 0.999
    assert process(world, *events([record], 1, "0B")) == [UploadOutcome.INDEXED]
    assert world.search(photo("rocket.jpg"))[0][1] > 0.999


def test_a_message_that_failed_comes_again_before_its_visibility_timeout(
    world: World, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glimpse.queues.consumer._FIRST_DELAY_SECONDS", 0)
    (record,) = world.upload("rocket.jpg")
    world.s3.delete_bucket(Bucket="index")
    url = world.sqs.create_queue(QueueName="uploads", Attributes={"VisibilityTimeout": "720"})["QueueUrl"]
    attributes = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    world.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(stored(record)))
    (message,) = world.sqs.receive_message(QueueUrl=url)["Messages"]
    assert "Messages" not in world.sqs.receive_message(QueueUrl=url)
    event = batch(stored(record))
    event["Records"][0] |= {
        "receiptHandle": message["ReceiptHandle"],
        "eventSourceARN": attributes["QueueArn"],
    }
    assert again(handler(event)) == ["m0"]
    assert len(world.sqs.receive_message(QueueUrl=url)["Messages"]) == 1


@pytest.mark.parametrize("is_lost", [False, True])
def test_uploads_to_an_index_that_cannot_be_used_say_so_and_succeed_after_its_repair(
    world: World, *, is_lost: bool
) -> None:
    (before,) = world.upload("coffee.png")
    uploads = wiring(world).upload_indexer(max_receives=5)
    uploads.process(events([before], 1))
    manifest = world.index().manifest
    if is_lost:
        world.s3.delete_object(Bucket="index", Key=manifest)
    else:
        world.s3.put_object(Bucket="index", Key=manifest, Body=b"{")
    (record,) = world.upload("rocket.jpg", first_id=20, job_id=8)
    for receive_count in (1, 2):
        (result,) = uploads.process(events([record], receive_count)).values()
        assert result.outcome is UploadOutcome.POSTPONED
    waiting = world.image(record.image_id)
    assert waiting.status is ImageStatus.FAILED
    assert "`glimpse index repair`" in (waiting.reason or "")
    assert world.job(8).failures[0].reason == waiting.reason
    assert world.image(before.image_id).status is ImageStatus.INDEXED
    repaired = IndexMaintenance(world.store).repair(world.index(), world.version())
    world.folders.raise_index_version(world.index().folder_id, world.index().space_id, repaired.version)
    (result,) = uploads.process(events([record], 3)).values()
    assert result.outcome is UploadOutcome.INDEXED
    assert world.image(record.image_id).reason is None
    assert (world.job(8).status, world.job(8).failures) == (JobStatus.COMPLETED, ())
    assert world.indexed_ids() == [record.image_id]
