"""Images that the search service asks to embed."""

import json
from pathlib import Path
from typing import Any

import pytest
from glimpse.index import IndexWriter
from glimpse.messages import EmbedImages, ImageFile

from functions.embed.services.requests import ImageRequests
from tests.integration.embed.conftest import Handler, batch, stored
from tests.integration.embed.staging import during, tools
from tests.integration.embed.world import FOLDER, NAMESPACE, USER, World, photo

EVENTS = Path(__file__).parents[2] / "events"


def request(*images: tuple[int, str], namespace: str = NAMESPACE, folder_id: int = FOLDER) -> dict[str, Any]:
    return {
        "operation": "embed-images",
        "namespace": namespace,
        "user_id": USER,
        "folder_id": folder_id,
        "images": [{"image_id": image_id, "file_path": path} for image_id, path in images],
    }


def test_images_of_other_backends(world: World, handler: Handler) -> None:
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    world.put("images/1/3/truncated.jpg", photo("truncated.jpg"))
    answer = handler(json.loads((EVENTS / "embed_images_request.json").read_text()))
    assert json.loads(json.dumps(answer)) == answer
    assert answer["indexed"] == [10]
    (failed,) = answer["failed"]
    assert (failed["image_id"], failed["file_path"]) == (11, "images/1/3/truncated.jpg")
    assert "incomplete" in failed["reason"]
    assert answer["missing"] == [{"image_id": 12, "file_path": "images/1/3/nowhere.jpg"}]
    assert answer["version"] == 1
    ((image_id, score),) = world.search(photo("chelsea.png"))
    assert (image_id, score > 0.999) == (10, True)
    assert world.keys("thumbnails/") == []
    assert world.version() == 0  # nothing but the index knows of them, whatever folder has this number


def test_embedding_again_replaces(world: World, handler: Handler) -> None:
    path = "images/1/3/cat.png"
    for name in ("rocket.jpg", "chelsea.png"):
        world.put(path, photo(name))
        assert handler(request((10, path)))["indexed"] == [10]
    assert world.search(photo("chelsea.png"))[0][1] > 0.999
    assert world.search(photo("rocket.jpg"))[0][1] < 0.99


def test_a_namespace_has_indexes_of_its_own(world: World, handler: Handler) -> None:
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    handler(request((10, "images/1/3/cat.png"), namespace="java"))
    assert [image_id for image_id, _ in world.search(photo("chelsea.png"), namespace="java")] == [10]
    assert world.indexed_ids() == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "cat.png",
        "thumbnails/1/3/10.webp",
        "indexes/x",
        "../images/1/3/cat.png",
        "uploads/1/3/11/cat.png",
        "uploads/2/3/10/cat.png",
        "uploads/1/4/10/cat.png",
        "uploads/1/3/10/../cat.png",
    ],
)
def test_other_paths_are_refused(world: World, handler: Handler, path: str) -> None:
    answer = handler(request((10, path)))
    assert (answer["indexed"], answer["missing"]) == ([], [])
    assert "images/" in answer["failed"][0]["reason"]


def test_a_namespace_cannot_reach_the_uploads(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    answer = handler(request((record.image_id, record.key), namespace="java"))
    assert len(answer["failed"]) == 1


@pytest.mark.parametrize("path", ["images/ /x", "images/" + "x" * 1100, "images/\ud800"])
def test_keys_that_cannot_be_are_answered(world: World, handler: Handler, path: str) -> None:
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    answer = handler(request((10, path), (11, "images/1/3/cat.png")))
    assert answer["indexed"] == [11]
    assert answer["missing"] == [{"image_id": 10, "file_path": path}]


def test_an_upload_can_be_embedded_again(world: World, handler: Handler) -> None:
    records = world.upload("rocket.jpg", "coffee.png")
    handler(batch(*(stored(record) for record in records)))
    world.writer.delete(world.index())
    answer = handler(request(*((record.image_id, record.key) for record in records)))
    assert answer["indexed"] == world.indexed_ids() == [record.image_id for record in records]
    assert world.version() == answer["version"] == 3
    assert world.job().processed_images == 2


def test_an_upload_without_a_record_is_missing(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    world.images.delete(FOLDER, [record.image_id])
    answer = handler(request((record.image_id, record.key)))
    assert answer["missing"] == [{"image_id": record.image_id, "file_path": record.key}]
    assert answer["indexed"] == world.indexed_ids() == []


def test_uploads_of_a_hidden_folder_are_missing(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    world.hide_folder()
    assert handler(request((record.image_id, record.key)))["missing"]
    assert world.indexed_ids() == []


def embed(world: World, *images: tuple[int, str], step: str, action: Any) -> Any:
    files = [ImageFile(image_id, path) for image_id, path in images]
    service = ImageRequests(tools(world, during(step, action)))
    return service.embed(EmbedImages.of(NAMESPACE, USER, FOLDER, files))


def test_an_index_deleted_meanwhile_does_not_come_back(world: World) -> None:
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    answer = embed(
        world,
        (10, "images/1/3/cat.png"),
        step="before embed_pixels",
        action=lambda: IndexWriter(world.store).delete(world.index()),
    )
    assert answer.indexed == world.indexed_ids() == []
    assert "deleted" in answer.failed[0].reason


def test_uploads_come_back_when_only_the_index_was_deleted(world: World) -> None:
    (record,) = world.upload("rocket.jpg")
    answer = embed(
        world,
        (record.image_id, record.key),
        step="before embed_pixels",
        action=lambda: IndexWriter(world.store).delete(world.index()),
    )
    assert answer.indexed == world.indexed_ids() == [record.image_id]


@pytest.mark.parametrize("step", ["before embed_pixels", "after put_if_none_match"])
def test_an_upload_deleted_meanwhile_is_taken_back(world: World, step: str) -> None:
    kept, deleted = world.upload("rocket.jpg", "coffee.png")
    answer = embed(
        world,
        *((record.image_id, record.key) for record in (kept, deleted)),
        step=step,
        action=lambda: world.images.delete(FOLDER, [deleted.image_id]),
    )
    assert answer.indexed == world.indexed_ids() == [kept.image_id]
    assert [image.image_id for image in answer.missing] == [deleted.image_id]
    assert world.version() == answer.version


@pytest.mark.parametrize("is_ours", [False, True])
def test_an_index_that_cannot_be_used_is_told(
    world: World, handler: Handler, caplog: pytest.LogCaptureFixture, is_ours: bool
) -> None:
    if is_ours:
        (record,) = world.upload("rocket.jpg")
        image = (record.image_id, record.key)
    else:
        world.put("images/1/3/cat.png", photo("chelsea.png"))
        image = (10, "images/1/3/cat.png")
    manifest = world.index().manifest
    world.s3.put_object(Bucket="index", Key=manifest, Body=b"{")
    answer = handler(request(image))
    assert (answer["status"], answer["indexed"]) == (409, [])
    assert "folder 3 is damaged; delete it" in answer["detail"]
    assert manifest in caplog.text
    IndexWriter(world.store).delete(world.index())
    answer = handler(request(image))
    assert (answer["status"], answer["detail"], answer["indexed"]) == (200, None, [image[0]])


def test_an_event_that_is_no_request_is_an_error(handler: Handler) -> None:
    with pytest.raises(ValueError, match="operation"):
        handler({"operation": "make-coffee"})
    with pytest.raises(ValueError, match="Records"):
        handler({"hello": "world"})
