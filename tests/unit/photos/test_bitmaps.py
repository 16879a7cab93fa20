"""The BMPs that Pillow does not read."""

import numpy as np
import pytest
from glimpse.photos import UnreadablePhoto, open_photo

from tests.unit.photos.making import bmp, encode, gradient


def rows_of(bits: int, pixel: int, width: int = 10, height: int = 3) -> bytes:
    row = b"".join(pixel.to_bytes(bits // 8, "little") for _ in range(width))
    return (row + bytes(-len(row) % 4)) * height


FOUR = bytes((0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0))  # black, red, green, blue


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bmp(10, 3, 16, rows_of(16, 0x1234), coding=3, masks=(0xF00, 0xF0, 0xF)), (34, 51, 68)),
        (bmp(10, 3, 16, rows_of(16, 0xF000), coding=6, masks=(0xF00, 0xF0, 0xF, 0xF000)), (0, 0, 0)),
        (bmp(10, 3, 16, rows_of(16, 0), coding=6, masks=(0xF00, 0xF0, 0xF, 0xF000)), (255, 255, 255)),
        (bmp(10, 3, 16, rows_of(16, 3), coding=3, masks=(2, 1, 0)), (255, 255, 0)),
        (bmp(10, 3, 32, rows_of(32, 0xFFE00000), coding=3, masks=(0xFFE00000, 0x1FFC00, 0x3FF)), (255, 0, 0)),
        (bmp(10, 3, 32, rows_of(32, 0xFF), coding=3, masks=(0xFF, 0xFF00, 0xFF0000)), (255, 0, 0)),
        (bmp(10, 3, 2, b"\x55\x55\x55\x55" * 3, palette=FOUR, colours=4), (255, 0, 0)),
        (bmp(10, 3, 8, rows_of(8, 3), palette=FOUR + bytes(4 * 296), colours=300), (0, 0, 255)),
        (bmp(10, 3, 8, rows_of(8, 3), palette=FOUR + bytes(4 * 252), header=16), (0, 0, 255)),
        (bmp(10, 3, 64, rows_of(64, 8192 << 48 | 8192 << 32 | 1755)), (255, 0, 128)),
        (bmp(10, 3, 24, b"\x0a\x00\x00\xff\x00\x00" * 3 + b"\0\1", coding=4, header=64), (255, 0, 0)),
        (bmp(10, 3, 8, b"\x0a\x01\0\0" * 3 + b"\0\1", coding=1, palette=FOUR * 64), (255, 0, 0)),
        (bmp(10, 3, 8, b"\x0a\x02\0\1", coding=1, palette=FOUR * 64), (0, 255, 0)),
    ],
)  # fmt: skip
def test_the_variants_of_bmp(data: bytes, expected: tuple[int, ...]) -> None:
    image = open_photo(data).image
    assert image.size == (10, 3)
    pixel = image.getpixel((4, 2))
    assert isinstance(pixel, tuple)
    assert max(abs(a - b) for a, b in zip(pixel, expected, strict=True)) <= 1


@pytest.mark.parametrize(("kind", "coding"), [("JPEG", 4), ("PNG", 5)])
def test_a_picture_inside_a_bmp(kind: str, coding: int) -> None:
    photo = open_photo(bmp(96, 64, 0, encode(gradient(), kind), coding=coding))
    assert np.abs(np.asarray(photo.image, np.int16) - np.asarray(gradient(), np.int16)).mean() < 6
    assert photo.media_type == "image/bmp"


def test_a_bmp_that_no_decoder_here_knows_is_refused_by_its_kind() -> None:
    with pytest.raises(UnreadablePhoto, match="a BMP with a coding that can't be read"):
        open_photo(bmp(10, 3, 1, bytes(12), coding=3, header=64))
