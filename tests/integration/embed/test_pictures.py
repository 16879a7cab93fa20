"""Pictures that the search service asks to embed, and that are not kept."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from glimpse.photos import open_photo
from PIL import Image

from tests.integration.embed.conftest import Handler
from tests.integration.embed.world import SPACE, World, photo


def request(*pictures: bytes, space_id: str = SPACE) -> dict[str, Any]:
    encoded = [base64.b64encode(picture).decode() for picture in pictures]
    return {"operation": "embed-pictures", "space_id": space_id, "pictures": encoded}


def test_a_picture_gets_the_vector_that_an_upload_of_it_has(world: World, handler: Handler) -> None:
    before = world.keys("")
    answer = handler(request(photo("chelsea.png"), photo("rocket.jpg")))
    assert answer["status"] == 200
    expected = world.encoder.embed_images(
        [
            open_photo(photo(name), model_side=world.encoder.side).image
            for name in ("chelsea.png", "rocket.jpg")
        ]
    )
    assert np.allclose(answer["vectors"], expected, atol=1e-4)
    assert world.keys("") == before


@pytest.mark.parametrize(
    "data", [b"", b"milk, bread, eggs", photo("truncated.jpg"), b"\x89PNG\r\n\x1a\n" * 9]
)
def test_what_is_no_picture_is_refused_with_a_reason(world: World, handler: Handler, data: bytes) -> None:
    answer = handler(request(data))
    assert (answer["status"], answer["vectors"]) == (422, [])
    assert answer["detail"].endswith((".", "can."))
    assert "Picture 2" in handler(request(photo("chelsea.png"), data))["detail"]


def test_a_decompression_bomb_is_refused_before_it_is_decoded(world: World, handler: Handler) -> None:
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    assert bomb.tell() < 100_000
    answer = handler(request(bomb.getvalue()))
    assert (answer["status"], "too many pixels" in answer["detail"]) == (422, True)


def test_a_space_that_nobody_writes_is_none_to_search_in(world: World, handler: Handler) -> None:
    assert handler(request(photo("chelsea.png"), space_id="elsewhere"))["status"] == 503
