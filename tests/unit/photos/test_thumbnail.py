"""The small copy that people see."""

from io import BytesIO
from pathlib import Path

import pytest
from glimpse.photos import open_photo, thumbnail
from PIL import ExifTags, Image

PHOTOS = Path(__file__).parents[2] / "photos"


def of(data: bytes, **options: int) -> Image.Image:
    image = Image.open(BytesIO(thumbnail(open_photo(data), **options)))
    image.load()
    return image


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("exif-orientation/Landscape_6.jpg", (512, 341)),
        ("rocket.jpg", (512, 342)),
        ("chelsea.png", (451, 300)),
        ("no_time_for_that_tiny.gif", (14, 25)),
    ],
)
def test_it_fits_and_never_grows(name: str, size: tuple[int, int]) -> None:
    image = of((PHOTOS / name).read_bytes())
    assert image.format == "WEBP"
    assert image.size == size


def test_another_size_can_be_asked_for() -> None:
    assert max(of((PHOTOS / "rocket.jpg").read_bytes(), longest_side=100).size) == 100


def test_a_thread_of_pixels_keeps_its_shape() -> None:
    stream = BytesIO()
    Image.new("RGB", (20_000, 1)).save(stream, "PNG")
    assert of(stream.getvalue()).size == (512, 1)


def test_where_and_with_what_it_was_taken_stays_private() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "a camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    stream = BytesIO()
    Image.new("RGB", (600, 600)).save(stream, "JPEG", exif=exif, comment=b"a secret")
    image = of(stream.getvalue())
    assert not image.getexif()
    assert not {"exif", "comment", "xmp"} & set(image.info)
