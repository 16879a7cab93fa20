"""JPEGs are scaled as far as the model allows, and known by how they have to be decoded."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glimpse.encoder.preprocess import Preprocessing
from glimpse.photos import MAX_PIXELS, UnreadablePhoto, is_large, open_photo
from glimpse.photos.jpeg import outline, reduction
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

PHOTOS = Path(__file__).parents[2] / "photos"


def encode(image: Image.Image, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def sized(data: bytes, width: int, height: int) -> bytes:
    """The same JPEG, claiming another size."""
    start = next(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data)
    return data[: start + 5] + height.to_bytes(2) + width.to_bytes(2) + data[start + 9 :]


def in_separate_scans(data: bytes) -> bytes:
    """A JPEG whose first scan holds one of its three colours."""
    start = data.index(b"\xff\xda")
    return data[:start] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + data[start + 14 :]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_usual_kind_is_baseline(mode: str, subsampling: int) -> None:
    image = Image.new(mode, (40, 30))
    assert outline(encode(image, subsampling=subsampling, exif=b"Exif\0\0" + b"\xff\xda" * 20)).is_baseline
    assert not outline(encode(image, subsampling=subsampling, progressive=True)).is_baseline


def test_colours_in_scans_of_their_own_are_not_baseline() -> None:
    assert not outline(in_separate_scans(encode(Image.new("RGB", (40, 30))))).is_baseline


@given(st.binary(max_size=400))
def test_anything_else_is_not_baseline(rest: bytes) -> None:
    if outline(b"\xff\xd8" + rest).is_baseline:
        assert b"\xff\xda" in rest
    assert not outline(rest[:10]).is_baseline


@given(st.integers(1, 65_535), st.integers(1, 65_535), st.integers(1, 512))
def test_what_is_left_is_twice_the_models_input_and_a_thumbnail(width: int, height: int, side: int) -> None:
    divisor = reduction(width, height, side)
    assert divisor in (1, 2, 4, 8)
    if divisor > 1:
        assert min(width, height) // divisor >= 2 * side
        assert max(width, height) // divisor >= 512
    if divisor < 8:  # and no more than has to be
        assert min(width, height) // (2 * divisor) < 2 * side or max(width, height) // (2 * divisor) < 512


@pytest.mark.parametrize(("side", "size"), [(64, (500, 375)), (224, (1000, 750)), (448, (2000, 1500))])
def test_a_phones_photo_is_decoded_small(side: int, size: tuple[int, int]) -> None:
    photo = open_photo(encode(Image.new("RGB", (4096, 3072))), model_side=side)
    assert (photo.width, photo.height) == (4096, 3072)
    assert photo.image.size == (size[0] * 4096 // 4000, size[1] * 3072 // 3000)


@pytest.mark.parametrize("side", [64, 96, 224])
@pytest.mark.parametrize("name", ["grass.png", "brick.png", "chelsea.png", "retina.jpg", "rocket.jpg"])
def test_the_model_sees_the_same(name: str, side: int) -> None:
    with Image.open(PHOTOS / name) as image:
        data = encode(image.convert("RGB").resize((1100, 1000)), quality=95)
    preprocess = Preprocessing(side, side)
    whole = preprocess(Image.open(BytesIO(data)))
    photo = open_photo(data, model_side=side)
    assert photo.image.width < 1100
    seen = preprocess(photo.image)
    assert (seen * whole).sum() / np.linalg.norm(seen) / np.linalg.norm(whole) >= 0.995


def test_only_a_baseline_jpeg_may_be_huge() -> None:
    data = encode(Image.new("RGB", (64, 64)))
    progressive = encode(Image.new("RGB", (64, 64)), progressive=True)
    assert MAX_PIXELS < 9000**2
    assert open_photo(sized(data, 9000, 9000)).width == 9000
    for other in (progressive, in_separate_scans(data)):
        with pytest.raises(UnreadablePhoto, match=r"too many pixels.*not progressive"):
            open_photo(sized(other, 9000, 9000))


def test_what_is_large_is_known_by_its_header() -> None:
    data, progressive = (
        encode(Image.new("RGB", (64, 64)), progressive=progressive) for progressive in (False, True)
    )
    assert not is_large(sized(data, 9000, 9000))
    assert is_large(sized(progressive, 5000, 5000))
    assert not is_large(sized(progressive, 3000, 3000))
    assert not is_large(b"no picture")


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = encode(Image.new("RGB", (64, 64)), progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    assert open_photo(data[:-2] + last_scan * 20 + data[-2:]).width == 64
    with pytest.raises(UnreadablePhoto, match="too many scans"):
        open_photo(data[:-2] + last_scan * 100_000 + data[-2:])
