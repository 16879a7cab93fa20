"""Objects become the model's input and a rendition, each on its own."""

import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from glimpse.encoder.preprocess import Preprocessing
from glimpse.photos import open_photo
from numpy.typing import NDArray
from PIL import Image

from functions.embed.services.ports import ObjectTooLarge, StorageUnavailable, StoredFile
from functions.embed.services.preparing import Absent, Postponed, Prepared, Preparer, Refused, Source

PHOTOS = Path(__file__).parents[2] / "photos"
PREPROCESS = Preprocessing(8, 8)


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

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)

    def pages(self, prefix: str) -> Iterator[list[str]]:
        yield [key for key in self.objects if key.startswith(prefix)]


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
    preparations = Preparer(bucket, PREPROCESS, workers=workers).prepare([Source(name) for name in names])
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
    picture = open_photo((PHOTOS / "rocket.jpg").read_bytes()).image
    np.testing.assert_array_equal(good.pixels, PREPROCESS(picture))
    assert len(bucket.objects) == 5  # no rendition was asked for


def test_the_rendition_goes_where_it_belongs() -> None:
    bucket = Bucket({"good": (PHOTOS / "rocket.jpg").read_bytes()})
    Preparer(bucket, PREPROCESS, workers=1).prepare([Source("good", "thumbnails/good.webp")])
    rendition = bucket.objects["thumbnails/good.webp"]
    assert isinstance(rendition, bytes)
    assert Image.open(BytesIO(rendition)).format == "WEBP"


def test_an_image_without_its_rendition_is_postponed() -> None:
    bucket = Bucket({"good": (PHOTOS / "rocket.jpg").read_bytes()}, full=True)
    (preparation,) = Preparer(bucket, PREPROCESS, workers=1).prepare([Source("good", "thumbnails/good.webp")])
    assert preparation == Postponed("no room")


def test_what_nobody_foresaw_concerns_one_image(caplog: pytest.LogCaptureFixture) -> None:
    def preprocess(image: Image.Image) -> NDArray[np.float32]:
        if image.size == (640, 427):
            raise RuntimeError("no such filter")
        return PREPROCESS(image)

    bucket = Bucket({name: (PHOTOS / name).read_bytes() for name in ("rocket.jpg", "palette_color.png")})
    names = ["rocket.jpg", "palette_color.png"]
    bad, good = Preparer(bucket, preprocess, workers=2).prepare([Source(name) for name in names])
    assert bad == Postponed("RuntimeError: no such filter")
    assert isinstance(good, Prepared)
    (line,) = caplog.records
    assert "rocket.jpg" in line.getMessage()
    assert line.exc_info
