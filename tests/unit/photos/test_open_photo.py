"""Any file becomes an upright RGB picture, or a reason that a person understands."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glimpse.photos import (
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    MAX_SIDE,
    Photo,
    UnreadablePhoto,
    is_large,
    open_photo,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

PHOTOS = Path(__file__).parents[2] / "photos"
READABLE = sorted(
    path.relative_to(PHOTOS).as_posix()
    for path in PHOTOS.rglob("*")
    if path.is_file() and path.name not in ("README.md", "truncated.jpg")
)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture(width: int = 60, height: int = 40) -> Image.Image:
    """A picture of which no two orientations look alike: red, green, blue and grey quarters."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 200, 30), (width // 2, 0, width, height // 2))
    image.paste((30, 30, 200), (0, height // 2, width // 2, height))
    image.paste((120, 120, 120), (width // 2, height // 2, width, height))
    return image


@pytest.mark.parametrize("name", READABLE)
def test_every_photograph_opens(name: str) -> None:
    photo = open_photo((PHOTOS / name).read_bytes())
    assert photo.image.mode == "RGB"
    assert photo.image.size == (photo.width, photo.height)
    assert np.asarray(photo.image).std() > 10  # a picture is to be seen, and not black or white


def test_the_nine_orientations_show_one_scene() -> None:
    photos = [open_photo(path.read_bytes()) for path in sorted((PHOTOS / "exif-orientation").glob("*.jpg"))]
    assert [(photo.width, photo.height) for photo in photos] == [(1800, 1200)] * 9
    small = [np.asarray(photo.image.resize((18, 12)), np.float32) for photo in photos]
    for other in small[1:]:
        assert np.abs(other - small[0]).mean() < 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
@pytest.mark.parametrize("turn", range(10))
def test_orientation_is_undone(kind: str, turn: int) -> None:
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    image = picture()
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = encode(image.transpose(stored[turn]) if turn in stored else image, kind, exif=exif, **options)
    photo = open_photo(data)
    assert (photo.width, photo.height) == (60, 40)
    difference = np.abs(np.asarray(photo.image, np.int16) - np.asarray(image, np.int16))
    assert difference.mean() < (8 if kind == "JPEG" else 0.01)


@pytest.mark.parametrize("turn", [1, 6])
def test_a_large_jpeg_is_scaled_while_it_is_decoded(turn: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    photo = open_photo(encode(picture(4000, 3000), "JPEG", exif=exif))
    assert (photo.width, photo.height) == ((4000, 3000) if turn == 1 else (3000, 4000))
    assert photo.image.size == ((2000, 1500) if turn == 1 else (1500, 2000))


@pytest.mark.parametrize(
    ("mode", "kind", "colour", "expected"),
    [
        ("1", "PNG", 1, (255, 255, 255)),
        ("L", "PNG", 77, (77, 77, 77)),
        ("L", "JPEG", 77, (77, 77, 77)),
        ("LA", "PNG", (0, 51), (204, 204, 204)),
        ("RGBA", "PNG", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", "PNG", (255, 0, 0, 102), (255, 153, 153)),
        ("RGBA", "WEBP", (0, 0, 0, 0), (255, 255, 255)),
        ("RGBA", "TIFF", (0, 0, 0, 0), (255, 255, 255)),
        ("RGB", "BMP", (1, 2, 3), (1, 2, 3)),
        ("CMYK", "TIFF", (0, 255, 255, 0), (255, 0, 0)),
        ("YCbCr", "TIFF", (76, 85, 255), (254, 0, 0)),
        ("LAB", "TIFF", (255, 128, 128), (255, 255, 255)),
        ("I;16", "PNG", 65535, (255, 255, 255)),
        ("I;16", "TIFF", 32768, (127, 127, 127)),
        ("I", "TIFF", 32768, (127, 127, 127)),
    ],
)
def test_every_mode_becomes_srgb(mode: str, kind: str, colour: Any, expected: tuple[int, ...]) -> None:
    photo = open_photo(encode(Image.new(mode, (4, 4), colour), kind))
    pixel = photo.image.getpixel((1, 1))
    assert isinstance(pixel, tuple)
    assert max(abs(got - want) for got, want in zip(pixel, expected, strict=True)) <= 2


@pytest.mark.parametrize("white", [255, 1023, 4095, 16383, 65535])
def test_deep_grey_uses_the_depth_that_is_in_use(white: int) -> None:
    ramp = np.linspace(0, white, 256).astype(np.uint16).reshape(16, 16)
    photo = open_photo(encode(Image.fromarray(ramp), "TIFF"))
    np.testing.assert_allclose(np.asarray(photo.image)[:, :, 0].ravel(), np.arange(256), atol=1)


@pytest.mark.parametrize("low", [-1.5, 0.0, 1e6])
def test_measurements_are_stretched_over_what_occurs(low: float) -> None:
    values = (low + np.linspace(0, 3, 256)).astype(np.float32).reshape(16, 16)
    values[0, 0] = np.nan
    shown = np.asarray(open_photo(encode(Image.fromarray(values), "TIFF")).image)[:, :, 0].ravel()
    np.testing.assert_allclose(shown[1:], np.arange(1, 256), atol=6)


def test_a_palettes_transparent_colour_lies_on_white() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert open_photo(encode(image, "PNG")).image.getpixel((0, 0)) == (10, 20, 30)
    assert open_photo(encode(image, "PNG", transparency=1)).image.getpixel((0, 0)) == (255, 255, 255)


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_photo(data).image.getpixel((0, 0)) == (255, 0, 0)


def test_a_colour_profile_is_applied() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A profile whose red primary is blue, and the other way round, under another name.
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    assert open_photo(encode(red, "PNG", icc_profile=srgb)).image.getpixel((0, 0)) == (255, 0, 0)
    blue = open_photo(encode(red, "PNG", icc_profile=swapped)).image.getpixel((0, 0))
    assert isinstance(blue, tuple)
    assert blue[2] > 250
    assert blue[0] < 5


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_profile_that_cannot_be_applied_is_passed_over(mode: str) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()  # not for this kind of pixels
    for profile in (b"not a profile", lab):
        photo = open_photo(encode(Image.new(mode, (4, 4), 0), "PNG", icc_profile=profile))
        assert photo.image.getpixel((0, 0)) == (0, 0, 0)


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhoto) as raised:
        open_photo(data)
    assert raised.value.reason == str(raised.value)
    return raised.value.reason


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


def test_each_refusal_says_why() -> None:
    assert "empty" in reason(b"")
    assert "not a picture" in reason(b"Dear diary, this is a text in a file called holiday.jpg")
    assert "not a picture" in reason(b"%!PS-Adobe-3.0 EPSF-3.0\n")  # Pillow would start Ghostscript
    assert "incomplete" in reason((PHOTOS / "truncated.jpg").read_bytes())
    assert "incomplete" in reason((PHOTOS / "rocket.jpg").read_bytes()[:50_000])
    assert "incomplete" in reason((PHOTOS / "chelsea.png").read_bytes()[:50_000])
    assert "damaged" in reason(SAMPLES[2].replace(b"IHDR", b"IHDX"))
    assert "a web page, not a picture" in reason(b"<!DOCTYPE html><html><body>404</body></html>")
    assert "an SVG drawing, not a picture" in reason(b'<?xml version="1.0"?>\n<svg width="9" height="9"/>')
    assert "a PDF document, not a picture" in reason(b"%PDF-1.7\n")
    assert "a video, not a picture" in reason(b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(90))
    assert "camera raw file" in reason(b"FUJIFILMCCD-RAW 0201FF")
    assert "camera raw file" in reason(b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(90))
    assert "damaged" in reason(SAMPLES[4].replace(b"VP8", b"???"))
    assert "not a picture" in reason(b"RIFF\x24\0\0\0WAVEfmt a sound, by its container a relative of WebP")


@pytest.mark.parametrize("side", [8125, 12_000, 30_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    assert side**2 > MAX_PIXELS
    assert "too many pixels" in reason(png_of(side, side))


def tiff_of(width: int, height: int) -> bytes:
    """A TIFF that claims a size and holds one strip of nothing."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 64}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<I", 72) + bytes(64) + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("make", [png_of, tiff_of])
@pytest.mark.parametrize("size", [(1, 64_000_000), (64_000_000, 1), (1, MAX_SIDE + 1)])
def test_a_bomb_of_extreme_shape_is_refused_by_its_header(
    make: Callable[[int, int], bytes], size: tuple[int, int]
) -> None:
    assert size[0] * size[1] <= MAX_PIXELS
    assert "too many pixels on one side" in reason(make(*size))


def test_a_long_panorama_is_a_photo() -> None:
    assert open_photo(encode(Image.new("RGB", (MAX_SIDE, 2)), "PNG")).width == MAX_SIDE


def test_a_jpeg_may_be_larger_but_not_by_much() -> None:
    data = bytearray(encode(picture(64, 64), "JPEG"))
    start = data.index(b"\xff\xc0") + 5  # height and width in the frame header
    struct.pack_into(">HH", data, start, 15_000, 14_001)
    assert MAX_JPEG_PIXELS < 15_000 * 14_001
    assert "too many pixels" in reason(bytes(data))
    struct.pack_into(">HH", data, start, 12_240, 16_320)  # of a 200-megapixel phone
    assert MAX_PIXELS < 12_240 * 16_320
    assert open_photo(bytes(data)).width == 16_320


def textured() -> Image.Image:
    with Image.open(PHOTOS / "chelsea.png") as photo:
        part = photo.convert("RGB").crop((100, 60, 160, 100))
    part.info.clear()
    return part


SAMPLES = [
    encode(textured(), "JPEG"),
    encode(textured(), "JPEG", progressive=True),
    encode(textured(), "PNG"),
    encode(textured(), "GIF"),
    encode(textured(), "WEBP"),
    encode(textured(), "TIFF", compression="tiff_lzw"),
    encode(textured(), "TIFF", big_tiff=True),
    encode(textured(), "BMP"),
    encode(textured(), "HEIF"),
    encode(textured(), "AVIF"),
]


def opened(data: bytes) -> Photo | None:
    try:
        return open_photo(data)
    except UnreadablePhoto:
        return None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_damage_gives_a_picture_or_a_reason(sample: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    photo = opened(bytes(damaged))
    assert photo is None or photo.image.mode == "RGB"


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(SAMPLES), st.floats(0, 0.99))
def test_a_file_cut_short_is_refused_or_says_so(sample: bytes, share: float) -> None:
    photo = opened(sample[: int(len(sample) * share)])
    assert photo is None or (photo.image.size == (60, 40) and photo.note)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: repr(sample[:4]))
def test_a_file_that_ends_inside_its_header_is_refused(sample: bytes) -> None:
    for length in range(1, 24):
        assert reason(sample[:length])
        assert not is_large(sample[:length])


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    assert opened(noise) is None
