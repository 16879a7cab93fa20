"""Files that are cut short or damaged: what is said of them, and what is still shown."""

import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from glimpse.photos import MAX_MISSING, UnreadablePhoto, open_photo
from glimpse.photos.tiff import directories
from numpy.typing import NDArray
from PIL import Image

from tests.unit.photos.making import chunk, encode, gradient, tiff


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhoto) as raised:
        open_photo(data)
    return raised.value.reason


def noise(width: int = 240, height: int = 160) -> Image.Image:
    values = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def tiff_with_its_directory_first(array: NDArray[Any], **options: Any) -> bytes:
    stream = BytesIO()
    tifffile.imwrite(stream, array, metadata=None, rowsperstrip=len(array), **options)
    return stream.getvalue()


GRADIENT = np.asarray(gradient(608, 400))
ONE_STRIP = {
    "by Pillow": encode(gradient(608, 400), "TIFF"),
    "big": tiff_with_its_directory_first(GRADIENT, bigtiff=True),
    "big-endian": tiff_with_its_directory_first(GRADIENT, byteorder=">"),
    "deep": tiff_with_its_directory_first(GRADIENT.astype(np.uint16) * 257),
    "floating": tiff_with_its_directory_first(GRADIENT.astype(np.float32) / 255),
    "planes": tiff_with_its_directory_first(
        np.moveaxis(GRADIENT, 2, 0), planarconfig="separate", photometric="rgb"
    ),
    "tiles": tiff_with_its_directory_first(GRADIENT, tile=(400, 608)),
}


@pytest.mark.parametrize("missing", [1, 1000, 0.01, 0.1, 0.2])
@pytest.mark.parametrize("kind", ONE_STRIP)
def test_an_uncompressed_tiff_is_shown_as_far_as_it_goes(kind: str, missing: float) -> None:
    whole = ONE_STRIP[kind]
    count = missing if missing >= 1 else len(whole) * missing
    photo = open_photo(whole[: len(whole) - int(count)])
    assert photo.note
    share = int(photo.note.removeprefix("The file ends too early: ").split()[0])
    assert abs(share - max(1, 100 * count / len(whole))) <= 1
    there = (0, 0, 608, 300)
    seen = np.asarray(photo.image.crop(there), np.int16)
    channels = slice(0, 2) if kind == "planes" else slice(0, 3)  # the last plane is cut
    assert np.abs(seen - GRADIENT[:300])[:, :, channels].mean() < 2


def test_half_an_uncompressed_tiff_is_too_little() -> None:
    whole = ONE_STRIP["by Pillow"]
    assert "incomplete" in reason(whole[: len(whole) // 2])


def test_a_strip_that_claims_to_be_huge_is_not_filled_up() -> None:
    values = np.asarray(gradient())
    claims = tiff((values, {273: [8] * 4096, 279: [values.nbytes] * 4095 + [20_000_000]}))
    (picture,) = directories(claims)
    missing = picture.missing_share(len(claims))
    assert missing is not None
    assert 0.2 < missing < MAX_MISSING
    assert picture.filled_up(claims) == claims


def test_of_a_compressed_strip_that_is_cut_nothing_is_there() -> None:
    whole = tiff_with_its_directory_first(np.asarray(noise()), compression="zlib")
    assert "incomplete" in reason(whole[: len(whole) * 99 // 100])


CUT = {
    "AVIF": encode(noise(), "AVIF"),
    "HEIF": encode(noise(), "HEIF"),
    "a small AVIF": encode(gradient(), "AVIF"),
    "a small HEIF": encode(gradient(), "HEIF"),
    **{
        f"{coding} TIFF": encode(noise(), "TIFF", compression=coding)
        for coding in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    },
    "TIFF": tiff((np.asarray(noise()), {})),
}


@pytest.mark.parametrize("kind", CUT)
def test_what_is_only_cut_is_said_to_be_incomplete(kind: str) -> None:
    whole = CUT[kind]
    for share in (0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        length = max(64, int(len(whole) * share))
        assert "incomplete" in reason(whole[:length]), length
    if kind != "TIFF":  # which ends with where its next picture is
        assert "incomplete" in reason(whole[:-1])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_file_that_is_cut_within_its_head_is_incomplete(kind: str) -> None:
    whole = encode(noise(), kind)
    for length in range(16, 800):
        assert "incomplete" in reason(whole[:length]), length


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_file_that_ends_between_two_boxes_is_incomplete(kind: str) -> None:
    assert "incomplete" in reason(CUT[kind][: CUT[kind].index(b"mdat") - 4])


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_what_goes_on_to_its_end_is_damaged_and_not_incomplete(kind: str) -> None:
    data = CUT[kind]
    assert "damaged" in reason(data.replace(b"pitm", b"????").replace(b"iloc", b"????"))


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II*\0\x08\0\0\0", b"II*\0\x08"])
def test_the_first_bytes_of_a_tiff_are_incomplete(start: bytes) -> None:
    assert "incomplete" in reason(start)


def png_of(packed: bytes) -> bytes:
    whole = encode(noise(), "PNG")
    header = whole[: whole.index(b"IDAT") - 4]
    return header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def packed_rows(image: Image.Image) -> bytes:
    rows = np.asarray(image).reshape(160, -1)
    return zlib.compress(np.insert(rows, 0, 0, axis=1).tobytes())


def test_a_png_with_a_wrong_check_sum_of_its_pixels_is_not_said_to_lack_its_end() -> None:
    packed = packed_rows(noise())
    photo = open_photo(png_of(packed[:-4] + bytes(4)))
    assert photo.note
    assert photo.note == "The file is partly damaged: the picture may differ from the original."
    assert np.array_equal(np.asarray(photo.image), np.asarray(noise()))
    cut = open_photo(png_of(packed)[:-2000])
    assert cut.note
    assert "end" in cut.note


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_what_is_damaged_in_the_middle_is_not_said_to_end_too_early(kind: str) -> None:
    if kind == "PNG":
        packed = packed_rows(gradient(240, 160))
        place = len(packed) * 9 // 10
        data = png_of(packed[:place] + b"\xff" * 30 + packed[place + 30 :])
        early = png_of(packed[:200] + b"\xff" * 30 + packed[230:])
    else:
        data, early = (with_gif_ended_after(share) for share in (0.9, 0.2))
    photo = open_photo(data)
    assert photo.note
    assert "ends too early" not in photo.note
    assert "damaged" in photo.note
    assert "%" in photo.note
    assert "damaged" in reason(early)


def with_gif_ended_after(share: float) -> bytes:
    """A GIF some of whose blocks of pixels are left out, and which has its trailer."""
    whole = encode(noise().quantize(), "GIF")
    at = first = whole.index(b"\x2c", 13 + 768) + 11
    while at < first + (len(whole) - first) * share:
        at += 1 + whole[at]
    return whole[:at] + b"\0\x3b"


def test_a_whole_file_has_no_note() -> None:
    for whole in (*CUT.values(), *ONE_STRIP.values(), png_of(packed_rows(noise()))):
        assert open_photo(whole).note is None
