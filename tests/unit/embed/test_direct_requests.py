"""What a direct invocation asks for is checked."""

import json
from pathlib import Path
from typing import Any

import pytest
from glimpse.messages import ImageFile

from functions.embed.events import direct_request

EVENTS = Path(__file__).parents[2] / "events"


def load(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def test_a_request() -> None:
    request = direct_request(load("embed_images_request.json"))
    assert (request.namespace, request.user_id, request.folder_id) == ("glimpse", 1, 3)
    assert request.images[0] == ImageFile(10, "images/1/3/cat.png")


@pytest.mark.parametrize(
    "change", [{"namespace": None}, {"user_id": 2**53}, {"images": [{"image_id": 1}]}, {"extra": 1}]
)
def test_a_request_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        direct_request(load("embed_images_request.json") | change)
