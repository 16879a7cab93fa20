"""Batches of SQS are read, whatever a message holds."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from glimpse.messages import EraseFolder
from glimpse.queues import Delivery, ObjectCreated, Unintelligible, deliveries
from hypothesis import given
from hypothesis import strategies as st

EVENTS = Path(__file__).parents[2] / "events"


def load(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def of_body(body: str) -> Delivery:
    (delivery,) = deliveries({"Records": [{"messageId": "m", "body": body}]})
    return delivery


def test_an_event_of_s3() -> None:
    (delivery,) = deliveries(load("embed_upload.json"))
    assert delivery.message_id == "059f36b4-87a3-44ab-83d2-661975830a7d"
    assert delivery.receive_count == 2
    assert delivery.receipt_handle == "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a"
    assert delivery.queue_arn == "arn:aws:sqs:eu-central-1:123456789012:uploads"
    assert delivery.content == [ObjectCreated("uploads/1/3/10/my café (old).png", "0A1B2C3D4E5F678901")]


def test_each_message_has_its_own_meaning() -> None:
    contents = {
        delivery.message_id: delivery.content for delivery in deliveries(load("embed_mixed_batch.json"))
    }
    assert contents["test-event"] == contents["removed-object"] == []
    assert contents["stranger"] == [ObjectCreated("uploads/by-hand.png", "0C")]
    assert contents["erase"] == EraseFolder.of(1, 999)
    assert isinstance(contents["unintelligible"], Unintelligible)
    assert isinstance(contents["unknown-kind"], Unintelligible)


@given(st.text(min_size=1), st.text(alphabet="0123456789ABCDEF", max_size=20))
def test_every_key_comes_back(key: str, sequencer: str) -> None:
    s3 = {"object": {"key": quote_plus(key, errors="replace"), "sequencer": sequencer}}
    body = json.dumps({"Records": [{"eventName": "ObjectCreated:Post", "s3": s3}]})
    assert of_body(body).content == [ObjectCreated(key.encode(errors="replace").decode(), sequencer)]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text() | st.just("Records"), children),
    max_leaves=10,
)


@given(st.text() | ANYTHING.map(json.dumps))
def test_no_body_spoils_a_batch(body: str) -> None:
    content = of_body(body).content
    assert isinstance(content, list | EraseFolder | Unintelligible)


@pytest.mark.parametrize(
    "request_",
    [
        {"owner_id": 1, "folder_id": 3},
        {"kind": "erase-folder", "owner_id": 1},
        {"kind": "erase-folder", "owner_id": 1, "folder_id": 2**53},
        {"kind": "erase-folder", "owner_id": -1, "folder_id": 3},
        {"kind": "erase-folder", "owner_id": "all", "folder_id": 3},
    ],
)
def test_erasing_has_to_name_a_folder(request_: dict[str, Any]) -> None:
    assert isinstance(of_body(json.dumps(request_)).content, Unintelligible)
