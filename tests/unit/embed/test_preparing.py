"""Objects become the model's input and a rendition, each on its own."""

import time
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from glimpse.encoder.preprocess import Preprocessing
from glimpse.photos import Photo, open_photo
from numpy.typing import NDArray
from PIL import Image

from functions.embed.services.embedding import preparing
from functions.embed.services.embedding.preparing import (
    Absent,
    Postponed,
    Preparation,
    Prepared,
    Preparer,
    Refused,
    Source,
)
from functions.embed.storage.objects import ObjectTooLarge, StorageUnavailable, StoredFile

PHOTOS = Path(__file__).parents[2] / "photos"
SPACE = "tiny-1"


class Encoder:
    """Embeds a picture as the mean of each colour, and notes what it was given at once."""

    def __init__(self, side: int = 8, batch: int = 2) -> None:
        self.side, self.batch = side, batch
        self.preprocessing: Callable[[Image.Image], NDArray[np.float32]] = Preprocessing(side, side)
        self.counts: list[int] = []

    def embed_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        self.counts.append(len(pixels))
        return pixels.mean(axis=(2, 3))

    def embed(self, data: bytes) -> NDArray[np.float32]:
        return self.embed_pixels(self.preprocessing(open_photo(data, model_side=self.side).image)[None])[0]


def prepare(
    bucket: "Bucket", sources: list[Source], encoder: Encoder | None = None, workers: int = 1
) -> list[Preparation]:
    return Preparer(bucket, workers).prepare(sources, {SPACE: encoder or Encoder()})


def etag_of(data: bytes) -> str:
    return f'"{zlib.crc32(data)}"'


class Bucket:
    """Objects in a dictionary; an exception in it is raised when the object is read."""

    def __init__(self, objects: dict[str, bytes | Exception], *, full: bool = False) -> None:
        self.objects, self.full = objects, full

    def read(self, key: str) -> StoredFile | None:
        found = self.objects.get(key)
        if isinstance(found, Exception):
            raise found
        return None if found is None else StoredFile(found, etag_of(found))

    def etag(self, key: str) -> str | None:
        stored = self.read(key)
        return stored.etag if stored else None

    def put(self, key: str, data: bytes, content_type: str) -> None:
        if self.full:
            raise StorageUnavailable("no room")
        assert content_type == "image/webp"
        self.objects[key] = data


@pytest.mark.parametrize("workers", [1, 3])
def test_each_object_is_judged_alone_and_keeps_its_place(workers: int) -> None:
    bucket = Bucket(
        {
            "good": (PHOTOS / "rocket.jpg").read_bytes(),
            "bad": (PHOTOS / "truncated.jpg").read_bytes(),
            "large": ObjectTooLarge(100 * 1024**2),
            "unreachable": StorageUnavailable("S3 did not answer"),
            "other": (PHOTOS / "palette_color.png").read_bytes(),
        }
    )
    names = ["unreachable", "good", "bad", "gone", "large", "other"]
    preparations = prepare(bucket, [Source(name) for name in names], workers=workers)
    assert [type(preparation) for preparation in preparations] == [
        Postponed,
        Prepared,
        Refused,
        Absent,
        Refused,
        Prepared,
    ]
    good, large = preparations[1], preparations[4]
    assert isinstance(good, Prepared)
    assert isinstance(large, Refused)
    assert (good.width, good.height) == (640, 427)
    assert good.etag == etag_of((PHOTOS / "rocket.jpg").read_bytes())
    assert "100 MB" in large.reason
    np.testing.assert_array_equal(good.vectors[SPACE], Encoder().embed((PHOTOS / "rocket.jpg").read_bytes()))
    assert len(bucket.objects) == 5  # no rendition was asked for


def test_the_rendition_goes_where_it_belongs() -> None:
    bucket = Bucket({"good": (PHOTOS / "rocket.jpg").read_bytes()})
    prepare(bucket, [Source("good", "thumbnails/good.webp")])
    rendition = bucket.objects["thumbnails/good.webp"]
    assert isinstance(rendition, bytes)
    assert Image.open(BytesIO(rendition)).format == "WEBP"


def test_an_image_without_its_rendition_is_postponed() -> None:
    bucket = Bucket({"good": (PHOTOS / "rocket.jpg").read_bytes()}, full=True)
    (preparation,) = prepare(bucket, [Source("good", "thumbnails/good.webp")])
    assert preparation == Postponed("no room", is_storage=True)


def test_what_nobody_foresaw_concerns_one_image(caplog: pytest.LogCaptureFixture) -> None:
    def preprocess(image: Image.Image) -> NDArray[np.float32]:
        if image.size == (640, 427):
            raise RuntimeError("no such filter")
        return Preprocessing(8, 8)(image)

    bucket = Bucket({name: (PHOTOS / name).read_bytes() for name in ("rocket.jpg", "palette_color.png")})
    names = ["rocket.jpg", "palette_color.png"]
    encoder = Encoder()
    encoder.preprocessing = preprocess
    bad, good = prepare(bucket, [Source(name) for name in names], encoder, 2)
    assert bad == Postponed("RuntimeError: no such filter")
    assert isinstance(good, Prepared)
    (line,) = caplog.records
    assert "rocket.jpg" in line.getMessage()
    assert line.exc_info


def test_pictures_are_embedded_in_batches_that_suit_the_model() -> None:
    names = ["rocket.jpg", "palette_color.png", "truncated.jpg", "chelsea.png", "camera.png"]
    bucket = Bucket({name: (PHOTOS / name).read_bytes() for name in names})
    encoder = Encoder(batch=2)
    preparations = prepare(bucket, [Source(name) for name in names], encoder)
    assert encoder.counts == [2, 1, 1]
    for name, preparation in zip(names, preparations, strict=True):
        if name != "truncated.jpg":
            assert isinstance(preparation, Prepared)
            expected = encoder.embed((PHOTOS / name).read_bytes())
            np.testing.assert_allclose(preparation.vectors[SPACE], expected, atol=1e-6)


def test_every_worker_gets_its_share_of_a_few_pictures() -> None:
    bucket = Bucket({name: (PHOTOS / name).read_bytes() for name in ("rocket.jpg", "chelsea.png")})
    encoder = Encoder(batch=16)
    prepare(bucket, [Source("rocket.jpg"), Source("chelsea.png")], encoder, 2)
    assert encoder.counts == [1, 1]


def test_one_picture_is_shown_to_every_model() -> None:
    bucket = Bucket({"good": (PHOTOS / "rocket.jpg").read_bytes()})
    encoders = {"small": Encoder(8), "wide": Encoder(32)}
    (preparation,) = Preparer(bucket, 1).prepare([Source("good")], encoders)
    assert isinstance(preparation, Prepared)
    for space, encoder in encoders.items():
        expected = encoder.preprocessing(open_photo(bucket.read("good").data, model_side=32).image)  # type: ignore[union-attr]
        np.testing.assert_allclose(preparation.vectors[space], expected.mean(axis=(1, 2)), atol=1e-6)


def test_a_model_that_fails_postpones_what_it_was_shown(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Encoder):
        def embed_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
            raise ArithmeticError(f"no direction in {len(pixels)}")

    bucket = Bucket({"good": (PHOTOS / "rocket.jpg").read_bytes()})
    preparations = prepare(bucket, [Source("good"), Source("gone")], Broken())
    assert preparations == [Postponed("ArithmeticError: no direction in 1"), Absent()]
    assert caplog.records[0].exc_info


def test_large_pictures_are_decoded_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = BytesIO()
    Image.new("L", (5000, 4000)).save(stream, "PNG")
    bucket = Bucket({str(number): stream.getvalue() for number in range(4)})
    under_way: list[int] = []

    def watched(data: bytes, *, model_side: int) -> Photo:
        under_way.append(1)
        try:
            assert len(under_way) == 1
            time.sleep(0.05)  # long enough for another to begin
            return open_photo(data, model_side=model_side)
        finally:
            under_way.pop()

    monkeypatch.setattr(preparing, "open_photo", watched)
    found = prepare(bucket, [Source(str(number)) for number in range(4)], workers=4)
    assert [type(preparation) for preparation in found] == [Prepared] * 4
