"""Each message of a batch is acknowledged on its own, and the log says why one was not."""

import json
from pathlib import Path

import pytest
from glimpse.records import ImageStatus

from tests.integration.embed.conftest import Handler, again, batch, stored
from tests.integration.embed.world import World, photo

EVENTS = Path(__file__).parents[2] / "events"


def test_only_what_nobody_understands_comes_again(world: World, handler: Handler) -> None:
    world.put("uploads/by-hand.png", photo("coffee.png"))
    answer = handler(json.loads((EVENTS / "embed_mixed_batch.json").read_text()))
    assert again(answer) == ["unintelligible", "unknown-kind"]
    assert world.keys() == ["uploads/by-hand.png"]


def test_an_event_of_s3_as_it_comes(world: World, handler: Handler) -> None:
    (record,) = world.announce(["my café (old).png"])
    world.put(record.key, photo("chelsea.png"))
    assert again(handler(json.loads((EVENTS / "embed_upload.json").read_text()))) == []
    image = world.image(10)
    assert (image.status, image.sequencer) == (ImageStatus.INDEXED, "0A1B2C3D4E5F678901")


def test_the_log_keeps_the_reasons(world: World, handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    broken, good = world.upload("truncated.jpg", "rocket.jpg")
    with caplog.at_level("INFO", "embed"):
        handler(batch(stored(broken), stored(good), {"kind": "nothing"}, receive_count=5))
    (line,) = [record.__dict__ for record in caplog.records if record.name == "embed"]
    assert line["outcomes"] == {"failed": 1, "indexed": 1, "unintelligible": 1}
    reasons = {entry["message_id"]: entry for entry in line["reasons"]}
    assert (reasons["m0"]["image_id"], reasons["m0"]["receive_count"]) == (broken.image_id, 5)
    assert "incomplete" in reasons["m0"]["reason"]
    assert reasons["m2"]["outcome"] == "unintelligible"
    assert "m1" not in reasons


def test_storage_that_fails_sends_just_its_messages_again(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    world.s3.delete_bucket(Bucket="index")
    assert again(handler(batch(stored(record), {"Service": "Amazon S3", "Event": "s3:TestEvent"}))) == ["m0"]
    assert world.image(record.image_id).status is ImageStatus.PENDING
