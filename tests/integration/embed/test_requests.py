"""Images that the search service asks to embed."""

import json
from pathlib import Path
from typing import Any

import pytest
from glimpse.index import IndexWriter
from glimpse.messages import EmbedImages, ImageFile
from glimpse.records import OtherImageStore

from functions.embed.storage.objects import StorageUnavailable
from tests.integration.embed.conftest import Handler, batch, stored
from tests.integration.embed.staging import during, wiring
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
    world.put("images/java/1/3/cat.png", photo("chelsea.png"))
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
        "images/1/3/../3/cat.png",
        "images/java/1/3/cat.png",
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


@pytest.mark.parametrize("path", ["images/ /x", "images/1/3/" + "x" * 1100, "images/1/3/\ud800"])
def test_keys_that_cannot_be_are_answered(world: World, handler: Handler, path: str) -> None:
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    answer = handler(request((10, path), (11, "images/1/3/cat.png")))
    assert answer["indexed"] == [11]
    named = [image["image_id"] for image in (*answer["missing"], *answer["failed"])]
    assert named == [10]


@pytest.mark.parametrize(
    "path",
    [
        "/app/images/1/3/cat.png",
        "./images/1/3/cat.png",
        "images\\1\\3\\cat.png",
        "file:///images/1/3/cat.png",
    ],
)
def test_a_path_of_a_backends_own_disk_leads_to_the_object(world: World, handler: Handler, path: str) -> None:
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    answer = handler(request((10, path), (11, "/app/images/1/3/none.png")))
    assert (answer["indexed"], answer["failed"]) == ([10], [])
    assert answer["missing"] == [{"image_id": 11, "file_path": "/app/images/1/3/none.png"}]
    assert OtherImageStore().paths("glimpse/1/3", [10]) == {10: "images/1/3/cat.png"}


@pytest.mark.parametrize("name", ["sub/föld er/a%20b\nc.png", "back\\slash.png", "images/2/4/x.png"])
def test_a_name_holds_any_characters(world: World, handler: Handler, name: str) -> None:
    world.put(f"images/1/3/{name}", photo("chelsea.png"))
    for image_id, folder in enumerate(("", "/app/")):
        assert handler(request((image_id, f"{folder}images/1/3/{name}")))["indexed"] == [image_id]


def test_a_namespace_reads_its_own_files_alone(world: World, handler: Handler) -> None:
    """Each backend's images are of 1/3, under one name; whoever asks gets what its own file shows."""
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    world.put("images/java/1/3/cat.png", photo("rocket.jpg"))
    world.put("images/php/1/3/cat.png", photo("coffee.png"))
    shows = {"glimpse": "chelsea.png", "java": "rocket.jpg", "php": "coffee.png"}
    for namespace, name in shows.items():
        for path in ("images/1/3/cat.png", "/app/images/1/3/cat.png"):
            assert handler(request((10, path), namespace=namespace))["indexed"] == [10]
            ((_, score),) = world.search(photo(name), namespace=namespace)
            assert score > 0.999
    assert handler(request((11, "images/java/1/3/cat.png"), namespace="java"))["indexed"] == [11]
    for namespace, path in (
        ("java", "images/php/1/3/cat.png"),
        ("java", "/app/images/php/1/3/cat.png"),
        ("java", "images/java/../php/1/3/cat.png"),
        ("glimpse", "images/java/1/3/cat.png"),
        ("glimpse", "/app/images/php/1/3/cat.png"),
    ):
        answer = handler(request((12, path), namespace=namespace))
        assert (answer["indexed"], len(answer["failed"])) == ([], 1), path
    world.s3.delete_object(Bucket="images", Key="images/java/1/3/cat.png")
    answer = handler(request((13, "images/1/3/cat.png"), namespace="java"))
    assert (answer["indexed"], len(answer["missing"])) == ([], 1)


def test_storage_that_does_not_answer_is_told_from_a_bad_image(world: World) -> None:
    world.put("images/1/3/cat.png", photo("chelsea.png"))
    world.put("images/1/3/truncated.jpg", photo("truncated.jpg"))

    def down() -> None:
        raise StorageUnavailable("S3 did not answer")

    answer = embed(
        world, (10, "images/1/3/cat.png"), (11, "images/1/3/truncated.jpg"), step="before read", action=down
    )
    assert (answer.indexed, len(answer.failed), answer.postponed) == ([], 2, 1)


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
    service = wiring(world, during(step, action)).image_requests()
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
