"""The upkeep function's messages: sent by who commits, received by an entry point of its own."""

import importlib
import json
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from glimpse.index import IndexMaintenance, VectorBatch
from glimpse.index.layout import new_attempt_id, segment_name
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import EraseFolder, TendIndexes

from functions.upkeep.services.index_upkeep import IndexUpkeep
from tests.integration.embed.conftest import Handler, again, batch, stored
from tests.integration.embed.world import FOLDER, NAMESPACE, SPACE, USER, World, photo


@pytest.fixture
def upkeep(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """The entry point, with no more of the environment than its function has."""
    for name in ("IMAGES_BUCKET", "FOLDERS_TABLE", "MAINTENANCE_QUEUE_URL"):
        monkeypatch.delenv(f"GLIMPSE_{name}")
    module = importlib.import_module("functions.upkeep.handler")
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
    yield lambda event: module.handler(event, context)
    del sys.modules["functions.upkeep.handler"]


def fill(world: World, commits: int) -> int:
    """Commit again and again; return the version."""
    attempt = world.writer.begin(world.index())
    vector = world.vector(photo("coffee.png"))[None]
    for image_id in range(1000, 1000 + commits):
        ids = np.array([image_id], np.int64)
        version = attempt.commit(VectorBatch(ids, vector, ids)).version
    return version


def test_an_upload_after_many_asks_for_a_look_at_the_index(world: World, handler: Handler) -> None:
    fill(world, 25)
    first, second = world.upload("rocket.jpg", "coffee.png")
    assert again(handler(batch(stored(first)))) == []
    assert again(handler(batch(stored(second)))) == []
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    answer = world.sqs.get_queue_attributes(QueueUrl=world.upkeep_url, AttributeNames=attributes)
    assert answer["Attributes"] == {attributes[0]: "0", attributes[1]: "1"}


def test_an_upload_succeeds_where_the_upkeep_queue_is_gone(world: World, handler: Handler) -> None:
    fill(world, 25)
    world.sqs.delete_queue(QueueUrl=world.upkeep_url)
    (record,) = world.upload("rocket.jpg")
    assert again(handler(batch(stored(record)))) == []
    assert record.image_id in world.indexed_ids()


def test_an_index_at_rest_is_compacted(world: World, upkeep: Handler) -> None:
    version = fill(world, 25)
    before = world.search(photo("chelsea.png"))
    message = {
        "kind": "compact-index",
        "namespace": NAMESPACE,
        "space_id": SPACE,
        "user_id": USER,
        "folder_id": FOLDER,
        "rest_version": version,
    }
    assert again(upkeep(batch(message))) == []
    assert IndexMaintenance(world.store).check(world.index()).spans <= 20
    assert world.search(photo("chelsea.png")) == before
    assert world.requests(world.upkeep_url) == []


def test_the_daily_round_finds_what_nobody_asked_for(world: World, upkeep: Handler) -> None:
    version = fill(world, 25)
    assert again(upkeep(batch({"kind": "tend-indexes"}))) == []
    assert IndexMaintenance(world.store).needs(world.index()).version == version
    attributes = ["ApproximateNumberOfMessagesDelayed"]
    answer = world.sqs.get_queue_attributes(QueueUrl=world.upkeep_url, AttributeNames=attributes)
    assert answer["Attributes"] == {attributes[0]: "1"}


def test_rounds_remove_what_nothing_refers_to(world: World) -> None:
    fill(world, 3)
    before = world.search(photo("chelsea.png"))
    left = world.index().object(segment_name(new_attempt_id()))  # by a commit whose worker died
    world.store.put_if_none_match(left, b"half a segment")
    maintenance = IndexMaintenance(world.store, grace_seconds=0)
    rounds = IndexUpkeep(world.store, maintenance, MaintenanceQueue(world.upkeep_url))
    for _ in range(3):
        time.sleep(1.0)  # the bucket's dates have whole seconds
        rounds.tend(TendIndexes(kind="tend-indexes"), receive_count=1, remaining_seconds=lambda: 900)
    assert world.store.get(left) is None
    assert world.search(photo("chelsea.png")) == before


def test_what_is_for_another_queue_ends_as_a_dead_letter(world: World, upkeep: Handler) -> None:
    s3 = {"object": {"key": "uploads/1/3/10/rocket.jpg", "sequencer": "0A"}}
    event = {"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]}
    erase = json.loads(EraseFolder.of(USER, FOLDER).model_dump_json())
    assert again(upkeep(batch(event, erase, {"kind": "tend-indexes"}))) == ["m0", "m1"]
