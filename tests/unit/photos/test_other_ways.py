"""Pictures that people have and that one decoder alone refuses, or misreads."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from glimpse.photos import MAX_MISSING, MAX_PIXELS, Photo, UnreadablePhoto, is_large, open_photo
from PIL import Image, ImageCms

from tests.unit.photos.making import bmp, chunk, encode, gradient, tiff, with_chunk

ITXT = b"XML:com.adobe.xmp\0\1\0\0\0"


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhoto) as raised:
        open_photo(data)
    return raised.value.reason


def difference(photo: Photo, expected: Image.Image) -> float:
    shown = photo.image.resize(expected.size)
    return float(np.abs(np.asarray(shown, np.int16) - np.asarray(expected, np.int16)).mean())


def same(data: bytes, *, limit: float = 6.0) -> Photo:
    photo = open_photo(data)
    assert difference(photo, gradient()) < limit
    return photo


ODD_CHUNKS = {
    "a long text": chunk(b"iTXt", ITXT + zlib.compress(b" " * 1_500_000)),
    "a long old text": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b" " * 9_000_000)),
    "a long profile": chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(1_300_000))),
    "a text in a wrong check sum": chunk(b"tEXt", b"Comment\0hello", crc=7),
    "a profile in a wrong check sum": chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(99)), crc=7),
    "an unknown compression": chunk(b"iCCP", b"profile\0\x09" + zlib.compress(bytes(99))),
    "a profile that is cut off": chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(999))[:-6]),
    "a header of no animation": chunk(b"acTL", bytes(3)),
    "frames of none": chunk(b"acTL", struct.pack(">II", 0, 0)),
    "a frame too early": chunk(b"fdAT", bytes(9)),
    "a time in a wrong check sum": chunk(b"tIME", bytes(7), crc=7),
    "resolution of no length": chunk(b"pHYs", b""),
    "transparency of one byte": chunk(b"tRNS", b"\0"),
    "a second header": chunk(b"IHDR", b"\0"),
    "a palette of two bytes": chunk(b"PLTE", b"\0\0"),
    **{
        f"{kind} of {length} bytes": chunk(kind.encode(), bytes(length))
        for kind, lengths in {"gAMA": (0, 3, 5), "cHRM": (0, 31), "cICP": (0, 3), "acTL": (0, 7)}.items()
        for length in lengths
    },
    **{f"nothing in {kind!r}": chunk(kind, b"") for kind in (b"sRGB", b"fcTL", b"fdAT", b"eXIf", b"iCCP")},
}


@pytest.mark.parametrize("name", ODD_CHUNKS)
def test_a_chunk_beside_the_pixels_never_stops_a_png(name: str) -> None:
    assert same(with_chunk(encode(gradient(), "PNG"), ODD_CHUNKS[name]), limit=0.1).note is None


@pytest.mark.parametrize(("kind", "length"), [(b"tRNS", 0), (b"tRNS", 300), (b"PLTE", 767), (b"PLTE", 777)])
@pytest.mark.parametrize("mode", ["P", "L", "1", "LA"])
def test_a_palette_or_transparency_of_a_wrong_length_stops_no_png(
    mode: str, kind: bytes, length: int
) -> None:
    expected = gradient().quantize(256) if mode == "P" else gradient().convert(mode)
    data = encode(expected, "PNG")
    if mode == "P":
        start = data.index(b"PLTE") - 4
        end = start + 12 + int.from_bytes(data[start : start + 4])
        palette = bytes(expected.getpalette() or ()).ljust(length, b"\0")[:length]
        extra = chunk(kind, palette if kind == b"PLTE" else b"\xff" * length)
        data = data[:start] + (b"" if kind == b"PLTE" else data[start:end]) + extra + data[end:]
    else:
        data = with_chunk(data, chunk(kind, b"\x03" * length))
    assert difference(open_photo(data), expected.convert("RGB")) < 0.1


def test_what_can_be_used_of_such_a_png_is() -> None:
    exif = Image.Exif()
    exif[274], exif[306] = 3, "2024:05:06 07:08:09"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    data = encode(Image.new("RGB", (9, 9), "red"), "PNG", exif=exif, icc_profile=swapped)
    photo = open_photo(with_chunk(data, ODD_CHUNKS["a long text"]))
    assert photo.taken_at == 1_714_979_289
    red, _, blue = photo.image.getpixel((4, 4))  # type: ignore[misc]
    assert blue > 250 > 5 > red


def test_pixels_in_a_wrong_check_sum_are_judged_by_their_own() -> None:
    data = encode(gradient(), "PNG")
    end = data.index(b"IEND") - 8
    same(data[:end] + b"\0\0\0\0" + data[end + 4 :], limit=0.1)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("tail", [b"\xff\xda" * 5000, b"ftypmp42" * 9999, b"\xff\xd8\xff\xda\xff\xd9" * 999])
def test_what_follows_a_jpeg_is_no_part_of_it(progressive: bool, tail: bytes) -> None:
    assert same(encode(gradient(), "JPEG", quality=95, progressive=progressive) + tail).note is None


@pytest.mark.parametrize(
    "major", [b"mif1", b"msf1", b"miaf", b"MA1B", b"mif2", b"heif", b"avci", b"avis", b"1pic"]
)
@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_avif_and_heic_are_known_under_every_brand(kind: str, major: bytes) -> None:
    data = encode(gradient(), kind, quality=95)
    photo = same(data[:8] + major + data[12:])
    assert photo.media_type in {"AVIF": {"image/avif"}, "HEIF": {"image/heic"}}[kind]


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_brands_that_tell_nothing_leave_it_to_the_items(kind: str) -> None:
    data = encode(gradient(), kind, quality=95)
    size = int.from_bytes(data[:4])
    general = data[:8] + b"mif1" + data[12:16] + (b"miaf" * 32)[: size - 16] + data[size:]
    assert same(general).media_type == {"AVIF": "image/avif", "HEIF": "image/heic"}[kind]


def test_a_heif_of_another_coding_is_refused_by_its_kind() -> None:
    data = encode(gradient(), "HEIF").replace(b"hvc1", b"avc1").replace(b"heic", b"mif1")
    assert "HEIF with a coding that can't be read here (H.264)" in reason(data)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"keep_rgb": True}])
def test_a_jpeg_without_its_end_is_whole(options: dict[str, Any]) -> None:
    photo = same(encode(gradient(), "JPEG", quality=95, **options)[:-2])
    assert photo.note
    assert "%" not in photo.note


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"quality": 95}), ("PNG", {}), ("BMP", {}), ("GIF", {}), ("WEBP", {"quality": 95})],
)
def test_what_lacks_its_last_bytes_is_opened_and_says_how_much(kind: str, options: dict[str, Any]) -> None:
    whole = encode(gradient(600, 400), kind, **options)
    photo = open_photo(whole[: int(len(whole) * 0.9)])
    assert 1 <= percentage(photo) <= 25
    there = (0, 150, 600, 400) if kind == "BMP" else (0, 0, 600, 250)  # whose last row comes first
    seen, expected = (np.asarray(image.crop(there), np.int16) for image in (photo.image, gradient(600, 400)))
    assert np.abs(seen - expected).mean() < 12


def percentage(photo: Photo) -> int:
    assert photo.note
    assert photo.note.startswith("The file ends too early: ")
    return int(photo.note.split(":")[1].split()[0])


def test_a_tiff_that_lacks_its_last_strip_says_so() -> None:
    array = np.asarray(gradient())
    whole = tiff((array, {}))
    last = struct.pack("<I", 8 + array.nbytes - array.nbytes // 8)
    assert whole.count(last) == 1
    moved = whole.replace(last, struct.pack("<I", len(whole) - array.nbytes // 16))
    photo = open_photo(moved)
    assert percentage(photo) == 6
    assert difference(photo, gradient()) < 30
    gone = whole.replace(
        struct.pack("<4I", *(8 + n * array.nbytes // 8 for n in range(4))), struct.pack("<4I", *[2**30] * 4)
    )
    assert "incomplete" in reason(gone)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP"])
def test_what_lacks_more_than_the_stated_share_is_incomplete(kind: str) -> None:
    whole = encode(gradient(600, 400), kind)
    assert "incomplete" in reason(whole[: int(len(whole) * (0.9 - 2 * MAX_MISSING))])


def test_the_missing_share_of_a_jpeg_is_counted_by_rows() -> None:
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 255, (640, 640, 3), dtype=np.uint8))
    whole = encode(noise, "JPEG", quality=80)
    start = whole.index(b"\xff\xda")
    for share in (0.05, 0.15, 0.22):
        photo = open_photo(whole[: start + int((len(whole) - start) * (1 - share))])
        assert abs(percentage(photo) - 100 * share) <= 4


def colour(data: bytes) -> tuple[int, ...]:
    shown = open_photo(data).image.getpixel((10, 10))
    assert isinstance(shown, tuple)
    return shown


def filled(values: Any, dtype: Any, size: int = 40) -> Any:
    return np.full((size, size, len(values)), values, dtype)


@pytest.mark.parametrize(
    ("array", "tags", "expected"),
    [
        (filled((0.2, 0.4, 1.0), np.float32), {}, (51, 102, 255)),
        (filled((0.2, 0.4, 1.0, 0.5), np.float32), {338: 2}, (153, 178, 255)),
        (filled((0x3333, 0x6666, 0xFFFF), np.uint16), {}, (51, 102, 255)),
        (filled((0x3333, 0x6666, 0xFFFF, 0x8000), np.uint16), {338: 2}, (153, 178, 255)),
        (filled((0x3333, 0x6666, 0xFFFF, 0x8000), np.uint16), {338: 0}, (51, 102, 255)),
        (filled((65535, 0), np.uint16), {338: 2}, (255, 255, 255)),
        (filled((0, 65535), np.uint16), {338: 2}, (0, 0, 0)),
        (filled((0, 32768), np.uint16), {338: 2}, (127, 127, 127)),
        (filled((0, 255, 255, 0, 255), np.uint8), {262: 5, 338: 2}, (255, 0, 0)),
        (filled((0, 255, 255, 0, 0), np.uint8), {262: 5, 338: 2}, (255, 255, 255)),
        (filled((0, 128, 128, 0, 128), np.uint8), {262: 5, 338: 1}, (255, 127, 127)),
        (filled((0, 65535, 65535, 0), np.uint16), {262: 5}, (255, 0, 0)),
        (filled((40, 60, 80, 9), np.uint8), {338: 0}, (40, 60, 80)),
    ],
)
def test_deep_and_covered_colours_of_a_tiff(array: Any, tags: Any, expected: tuple[int, ...]) -> None:
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        array[0, 0] = 65535  # the depth that is in use
    assert max(abs(a - b) for a, b in zip(colour(tiff((array, tags))), expected, strict=True)) <= 2


def test_a_webp_inside_a_tiff() -> None:
    inner = encode(gradient(), "WEBP", lossless=True)
    tags = {256: 96, 257: 64, 258: [8, 8, 8], 259: 50001, 262: 2, 277: 3, 278: 64, 279: [len(inner)]}
    same(tiff((np.frombuffer(inner, np.uint8)[None, :], {**tags, 339: [1, 1, 1]})), limit=0.5)


BIG, SMALL = np.asarray(gradient(320, 240)), np.asarray(gradient(80, 60))


@pytest.mark.parametrize(
    "data",
    [
        tiff((SMALL, {254: 1}), (BIG, {254: 0})),
        tiff((SMALL, {255: 2}), (BIG, {255: 1})),
        tiff((SMALL, {}), (BIG, {})),
        tiff((SMALL, {254: 1}), subs=[(SMALL[::2, ::2], {254: 1}), (BIG, {254: 0})]),
        tiff((BIG, {}), (SMALL, {254: 1})),
        tiff((BIG, {}), (np.asarray(gradient(400, 400)), {})),
        tiff((BIG, {}), (np.zeros((240, 320), np.uint8), {254: 4})),
    ],
    ids=["marked", "marked as of old", "by its size", "below", "behind", "another page", "mask"],
)
def test_a_preview_is_never_taken_for_the_picture(data: bytes) -> None:
    photo = open_photo(data)
    assert (photo.width, photo.height) == (320, 240)
    assert difference(photo, gradient(320, 240)) < 2


def test_the_picture_behind_a_preview_is_held_as_the_file_says() -> None:
    photo = open_photo(tiff((SMALL, {254: 1, 274: 6}), (BIG, {254: 0})))
    assert (photo.width, photo.height) == (240, 320)


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_what_a_sensor_saw_is_refused_as_raw(photometric: int) -> None:
    sensor = np.zeros((240, 320), np.uint16)
    for data in (
        tiff((SMALL, {254: 1}), subs=[(sensor, {254: 0, 262: photometric})]),
        tiff((sensor, {262: photometric}), (SMALL, {254: 1})),
    ):
        assert reason(data).startswith("This is a camera raw file")


def test_64_megapixel_sensors_fit_and_are_decoded_one_at_a_time() -> None:
    assert MAX_PIXELS >= 9280 * 6944  # the largest of them: 64.4 million
    sensor = bytearray(tiff((BIG, {})))
    for tag, value in ((256, 9280), (257, 6944)):
        struct.pack_into("<H", sensor, sensor.index(struct.pack("<HHI", tag, 3, 1)) + 8, value)
    assert is_large(bytes(sensor))


@pytest.mark.parametrize(
    "bomb",
    [
        tiff((np.zeros((8, 8, 4), np.float32), {256: 60_000, 257: 60_000, 338: 2})),
        tiff((SMALL, {254: 1}), (BIG, {256: 60_000, 257: 60_000})),
        bmp(60_000, 60_000, 2, bytes(99), palette=bytes(16), colours=4),
        with_chunk(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(9999))),
            ODD_CHUNKS["a long text"],
        ),
    ],
    ids=["float", "behind a preview", "BMP", "PNG"],
)  # fmt: skip
def test_a_bomb_is_refused_by_whichever_decoder_meets_it(bomb: bytes) -> None:
    assert "too many pixels" in reason(bomb)
