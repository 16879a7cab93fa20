"""An upload acknowledged ends INDEXED, or FAILED with a reason; events may repeat and come in any order."""

from io import BytesIO

import pytest
from glimpse.photos import TAKEN_AT_UNKNOWN
from glimpse.records import ImageStatus, JobStatus
from PIL import Image

from migration.pictures import SETTLED
from tests.integration.embed.conftest import Handler, again, batch, stored
from tests.integration.embed.world import FOLDER, World, photo


def job(world: World) -> tuple[JobStatus, int]:
    return world.job().status, world.job().processed_images


def test_an_upload_can_be_found(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    assert handler(batch(stored(record, "0A"))) == {"batchItemFailures": []}
    image = world.image(record.image_id)
    assert image.status is ImageStatus.INDEXED
    assert (image.width, image.height, image.sequencer) == (640, 427, "0A")
    assert image.taken_at == TAKEN_AT_UNKNOWN
    assert image.thumbnail_key == world.thumbnail_of(record)
    assert job(world) == (JobStatus.COMPLETED, 1)
    assert world.folder().image_count == 1
    ((image_id, score),) = world.search(photo("rocket.jpg"))
    assert image_id == record.image_id
    assert score > 0.999


def test_the_file_of_an_image_that_came_with_its_vector_is_no_news(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    world.images.mark_indexed(
        record, thumbnail_key="t", width=1, height=1, taken_at=0, sequencer=SETTLED, spaces_revision=1
    )
    assert again(handler(batch(stored(record, "0055AED6DCD90281E5")))) == []
    assert world.image(record.image_id).width == 1
    assert world.version() == 0


def test_the_rendition_is_a_small_webp(world: World, handler: Handler) -> None:
    (record,) = world.upload("hubble_deep_field.jpg")
    handler(batch(stored(record)))
    answer = world.s3.get_object(Bucket="images", Key=world.thumbnail_of(record))
    assert answer["ContentType"] == "image/webp"
    assert max(Image.open(BytesIO(answer["Body"].read())).size) == 512
    assert world.image(record.image_id).taken_at == 1347911625  # 15:53:45-04:00


def test_a_folder_is_told_its_version(world: World, handler: Handler) -> None:
    first, second = world.upload("rocket.jpg", "coffee.png")
    handler(batch(stored(first)))
    assert world.version() == 1
    handler(batch(stored(second)))
    assert world.version() == 2


def test_a_batch_shares_a_commit_per_folder(world: World, handler: Handler) -> None:
    world.make_folder(4)
    here = world.upload("rocket.jpg", "coffee.png", "horse.png")
    there = world.upload("page.png", "chelsea.png", folder_id=4, first_id=20, job_id=8)
    assert again(handler(batch(*(stored(record) for record in here + there)))) == []
    assert (world.version(), world.version(4)) == (1, 1)  # of many messages, one swap of each manifest
    assert world.indexed_ids() == [record.image_id for record in here]
    assert world.indexed_ids(4) == [record.image_id for record in there]


def test_bad_images_fail_with_reasons_and_stop_nobody(world: World, handler: Handler) -> None:
    records = world.announce(["truncated.jpg", "rocket.jpg", "notes.jpg", "empty.jpg", "never.jpg"])
    for record, data in zip(
        records, [photo("truncated.jpg"), photo("rocket.jpg"), b"a list of things to buy", b""], strict=False
    ):
        world.put(record.key, data)
    assert again(handler(batch(*(stored(record) for record in records)))) == []
    reasons = [world.image(record.image_id).reason for record in records]
    assert [world.image(record.image_id).status for record in records] == [
        ImageStatus.FAILED,
        ImageStatus.INDEXED,
        *[ImageStatus.FAILED] * 3,
    ]
    for reason, word in zip(
        reasons, ["incomplete", None, "not a picture", "empty", "no longer"], strict=True
    ):
        assert (reason is None) if word is None else (word in (reason or ""))
    assert job(world) == (JobStatus.COMPLETED, 5)
    assert world.indexed_ids() == [records[1].image_id]
    assert world.keys("thumbnails/") == [world.thumbnail_of(records[1])]


def test_an_object_that_is_too_large_is_not_read(
    world: World, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.embed.storage.objects.MAX_OBJECT_BYTES", 1024**2)
    (record,) = world.announce(["large.png"])
    world.put(record.key, photo("coffee.png") + bytes(1024**2))
    handler(batch(stored(record)))
    assert "larger than 1 MB" in (world.image(record.image_id).reason or "")


@pytest.mark.parametrize("name", ["rocket.jpg", "truncated.jpg"])
def test_an_event_that_repeats_counts_once(world: World, handler: Handler, name: str) -> None:
    (record,) = world.upload(name)
    for _ in range(3):
        assert again(handler(batch(stored(record), stored(record), receive_count=2))) == []
    assert job(world)[1] == 1
    indexed = int(name == "rocket.jpg")
    assert world.folder().image_count == indexed
    assert world.version() <= 1  # what is known is not committed again
    assert len(world.indexed_ids()) == indexed


def test_an_older_event_changes_nothing(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    handler(batch(stored(record, "0B")))
    handler(batch(stored(record, "0A9")))
    assert world.version() == 1
    assert world.image(record.image_id).sequencer == "0B"


def test_a_newer_event_replaces_the_picture(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    handler(batch(stored(record, "0A")))
    world.put(record.key, photo("coffee.png"))
    handler(batch(stored(record, "0B")))
    assert world.search(photo("coffee.png"))[0][1] > 0.999
    assert world.search(photo("rocket.jpg"))[0][1] < 0.99
    assert world.indexed_ids() == [record.image_id]
    assert (world.image(record.image_id).width, world.image(record.image_id).sequencer) == (600, "0B")
    assert job(world) == (JobStatus.COMPLETED, 1)
    assert world.folder().image_count == 1


def test_replaced_by_what_is_no_picture_it_cannot_be_found_any_more(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    handler(batch(stored(record, "0A")))
    world.put(record.key, b"gone")
    handler(batch(stored(record, "0B")))
    assert world.image(record.image_id).status is ImageStatus.FAILED
    assert world.indexed_ids() == []
    assert world.folder().image_count == 0
    assert world.version() == 2


def test_a_failed_image_can_be_mended(world: World, handler: Handler) -> None:
    (record,) = world.upload("truncated.jpg")
    handler(batch(stored(record, "0A")))
    world.put(record.key, photo("rocket.jpg"))
    handler(batch(stored(record, "0B")))
    assert world.image(record.image_id).status is ImageStatus.INDEXED
    assert job(world) == (JobStatus.COMPLETED, 1)
    assert world.indexed_ids() == [record.image_id]


def test_an_object_without_a_record_goes(world: World, handler: Handler) -> None:
    kept, deleted = world.upload("rocket.jpg", "coffee.png")
    world.put(world.thumbnail_of(deleted), b"rendition")
    world.images.delete(FOLDER, [deleted.image_id])
    assert again(handler(batch(stored(deleted), stored(kept)))) == []
    assert world.keys() == [world.thumbnail_of(kept), kept.key]
    assert world.indexed_ids() == [kept.image_id]


@pytest.mark.parametrize("erased", [False, True], ids=["hidden", "gone"])
def test_an_object_of_a_deleted_folder_goes(world: World, handler: Handler, erased: bool) -> None:
    (record,) = world.upload("rocket.jpg")
    world.hide_folder()
    if erased:
        world.folders.forget(FOLDER)
    assert again(handler(batch(stored(record)))) == []
    assert world.keys() == []
    assert world.store.get(world.index().manifest) is None


def test_an_object_under_anothers_image_is_left_alone(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    stray = record.key.replace("rocket.jpg", "stray.jpg")
    world.put(stray, photo("coffee.png"))
    body = stored(record)
    body["Records"][0]["s3"]["object"]["key"] = stray
    assert again(handler(batch(body))) == []
    assert world.image(record.image_id).status is ImageStatus.PENDING
    assert sorted(world.keys()) == sorted([record.key, stray])


def test_names_arrive_encoded(world: World, handler: Handler) -> None:
    (record,) = world.announce(["my café + (old) 100%.png"])
    world.put(record.key, photo("coffee.png"))
    body = stored(record)
    encoded = "my+caf%C3%A9+%2B+%28old%29+100%25.png"
    body["Records"][0]["s3"]["object"]["key"] = f"uploads/1/{FOLDER}/{record.image_id}/{encoded}"
    handler(batch(body))
    assert world.image(record.image_id).status is ImageStatus.INDEXED
