"""The model is changed, changed back and tidied up after, while people upload, delete and search."""

import json
import time

import httpx
from glimpse.encoder import Bundle

from tests.e2e.gallery import (
    Gallery,
    after,
    found_of_another_backend,
    models,
    put_image_of_another_backend,
    vectors_left,
    wait_until,
)
from tests.e2e.rotated import NAME, SPACE
from tests.e2e.stack import Stack, User


def test_at_every_moment_exactly_the_right_images_are_found(
    stack: Stack, user: User, search_service: httpx.Client, other_model: Bundle
) -> None:
    gallery = Gallery(user)
    gallery.upload("Before", 12)
    put_image_of_another_backend(stack, search_service)
    first = models(search_service)["active"]

    with gallery.in_use():
        begun = models(search_service, "POST", "/reindex", bundle_digest=other_model.digest)
        assert begun["phase"] == "BUILDING"
        assert models(search_service, "POST", "/reindex", bundle_digest=other_model.digest)["other"]
        wait_until(lambda: models(search_service)["phase"] == "FLIPPED")
        after(gallery, searches=3)
    gallery.check()
    assert search_service.get("/health").json()["model"]["name"] == NAME
    assert found_of_another_backend(search_service) == [7]

    with gallery.in_use():
        assert models(search_service, "POST", "/rollback")["active"] == first
        after(gallery, searches=3)
    gallery.check()
    assert search_service.get("/health").json()["model"]["space_id"] == first["space_id"]

    with gallery.in_use():  # forth again, which takes one write, and back
        again = models(search_service, "POST", "/reindex", bundle_digest=other_model.digest)
        assert (again["phase"], again["active"]["space_id"]) == ("FLIPPED", SPACE)
        after(gallery, searches=3)
        models(search_service, "POST", "/rollback")
        time.sleep(3)
        ended = models(search_service, "POST", "/finalize")
        assert (ended["active"], ended["other"], ended["phase"]) == (first, None, "STABLE")
        retire_at_once(stack)
        wait_until(lambda: models(search_service)["retired"] is None)
        after(gallery, searches=3)
    gallery.check()
    assert found_of_another_backend(search_service) == [7]
    assert vectors_left(stack, SPACE) == []
    print(f"{gallery.searches} searches, {gallery.uploads} uploads, {gallery.deletions} deletions")


def retire_at_once(stack: Stack) -> None:
    """Send what comes by itself after a minute, when the longest search is over: those here take a second."""
    message = {"kind": "retire-space", "space_id": SPACE}
    queue = stack.outputs["MaintenanceQueueUrl"]
    stack.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message))
