"""What the bytes of an image tell beside its picture is in its record, its job and the index."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from glimpse.index import Filter, IndexReader
from glimpse.records import ImageRecord, ImageStatus, JobStatus
from PIL import ExifTags, Image

from tests.integration.embed.conftest import Handler, batch, stored
from tests.integration.embed.world import World, photo


def encode(kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    with Image.open(BytesIO(photo("chelsea.png"))) as image:
        image.convert("RGB").save(stream, kind, **options)
    return stream.getvalue()


def indexed(world: World, handler: Handler, name: str, data: bytes, **where: int) -> ImageRecord:
    (record,) = world.announce([name], **where)
    world.put(record.key, data)
    handler(batch(stored(record, "0A")))
    image = world.image(record.image_id)
    assert image.status is ImageStatus.INDEXED
    return image


def at_half_past_midnight() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: "2024:05:01 00:30:00",
            ExifTags.Base.OffsetTimeOriginal: "+02:00",
        }
    )
    return encode("JPEG", exif=exif)


def test_the_time_on_the_spot_is_beside_the_instant_and_its_day_is_found(
    world: World, handler: Handler
) -> None:
    image = indexed(world, handler, "a.jpg", at_half_past_midnight())
    assert image.taken_at == int(datetime(2024, 4, 30, 22, 30, tzinfo=UTC).timestamp())
    assert (image.taken_local, image.taken_guessed) == ("2024-05-01T00:30:00", False)
    first, second = (int(datetime(2024, 5, day, tzinfo=UTC).timestamp()) for day in (1, 2))
    reader = IndexReader(world.store, memory_budget_bytes=2**20, disk_budget_bytes=0)

    def found(chosen: Filter) -> list[int]:
        answer = reader.search([world.index()], world.vector(photo("chelsea.png")), 10, only=chosen)
        return [hit.image_id for hit in answer.hits]

    assert found(Filter(local_from=first, local_until=second)) == [image.image_id]
    assert found(Filter(taken_from=first, taken_until=second)) == []
    assert found(Filter(taken_until=first)) == [image.image_id]


def test_a_time_in_the_name_is_a_guess_and_gives_way_to_the_files(world: World, handler: Handler) -> None:
    guess = indexed(world, handler, "IMG-20220121-WA0004.jpg", encode("JPEG"))
    assert (guess.taken_local, guess.taken_guessed) == ("2022-01-21", True)
    known = indexed(world, handler, "IMG-20220121-WA0005.jpg", at_half_past_midnight(), first_id=30, job_id=9)
    assert (known.taken_local, known.taken_guessed) == ("2024-05-01T00:30:00", False)


def test_a_picture_without_its_last_bytes_is_indexed_with_a_note(world: World, handler: Handler) -> None:
    image = indexed(world, handler, "a.jpg", encode("JPEG")[:-2])
    assert image.note
    job = world.job()
    assert (job.status, job.failures) == (JobStatus.COMPLETED, ())
    assert [(note.image_id, note.name, note.reason) for note in job.notes] == [
        (image.image_id, "a.jpg", image.note)
    ]


def test_the_record_says_as_what_a_file_is_served(world: World, handler: Handler) -> None:
    image = indexed(world, handler, "really-heic.jpg", encode("HEIF"))
    assert (image.content_type, image.note) == ("image/heic", None)
    assert world.job().notes == ()
