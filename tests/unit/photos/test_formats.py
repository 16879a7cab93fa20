"""HEIC and AVIF photographs, as phones make them."""

from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from glimpse.photos import MAX_PIXELS, TAKEN_AT_UNKNOWN, UnreadablePhoto, open_photo
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

MODERN = pytest.mark.parametrize("kind", ["HEIF", "AVIF"])


def picture() -> Image.Image:
    """A picture of which no two orientations look alike."""
    image = Image.new("RGB", (96, 64), (200, 30, 30))
    image.paste((30, 200, 30), (48, 0, 96, 32))
    image.paste((30, 30, 200), (0, 32, 48, 64))
    return image


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, quality=95, **options)
    return stream.getvalue()


def difference(shown: Image.Image, expected: Image.Image) -> float:
    return float(np.abs(np.asarray(shown, np.int16) - np.asarray(expected, np.int16)).mean())


@MODERN
def test_it_opens(kind: str) -> None:
    photo = open_photo(encode(picture(), kind))
    assert photo.image.mode == "RGB"
    assert (photo.width, photo.height) == (96, 64)
    assert photo.taken_at == TAKEN_AT_UNKNOWN
    assert difference(photo.image, picture()) < 6


@MODERN
@pytest.mark.parametrize(
    ("turn", "stored"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90)], ids=["3", "6"]
)
def test_orientation_is_undone_once(kind: str, turn: int, stored: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    exif[ExifTags.Base.DateTime] = "2024:05:06 07:08:09"
    photo = open_photo(encode(picture().transpose(stored), kind, exif=exif.tobytes()))
    assert (photo.width, photo.height) == (96, 64)
    assert difference(photo.image, picture()) < 6
    assert photo.taken_at == 1_714_979_289


@MODERN
def test_transparent_parts_lie_on_white(kind: str) -> None:
    image = picture().convert("RGBA")
    image.putalpha(0)
    assert difference(open_photo(encode(image, kind)).image, Image.new("RGB", image.size, "white")) < 3


@MODERN
def test_a_colour_profile_is_applied(kind: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    data = encode(Image.new("RGB", (64, 64), (255, 0, 0)), kind, icc_profile=swapped)
    blue = open_photo(data).image.getpixel((32, 32))
    assert isinstance(blue, tuple)
    assert blue[2] > 240
    assert blue[0] < 15


def test_the_thumbnail_that_a_heic_holds_is_not_taken_for_the_picture() -> None:
    image = picture().resize((1200, 800))
    photo = open_photo(encode(image, "HEIF", thumbnails=[600]), model_side=64)
    assert photo.image.size == (1200, 800)


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhoto) as raised:
        open_photo(data)
    return raised.value.reason


@MODERN
def test_what_is_cut_off_is_said_to_be_incomplete_or_damaged(kind: str) -> None:
    data = encode(picture(), kind)
    for share in (0.2, 0.5, 0.9):
        assert "upload the original again" in reason(data[: int(len(data) * share)])


@MODERN
def test_a_bomb_is_refused_by_its_header(kind: str) -> None:
    data = encode(picture(), kind)
    size = (96).to_bytes(4) + (64).to_bytes(4)
    assert data.count(b"ispe\0\0\0\0" + size) == 1
    bomb = data.replace(b"ispe\0\0\0\0" + size, b"ispe\0\0\0\0" + (9000).to_bytes(4) * 2)
    assert MAX_PIXELS < 9000**2
    assert "too many pixels" in reason(bomb)


SAMPLES = [encode(picture(), "HEIF"), encode(picture(), "AVIF")]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_damage_gives_a_picture_or_a_reason(sample: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnreadablePhoto):
        assert open_photo(bytes(damaged)).image.mode == "RGB"
