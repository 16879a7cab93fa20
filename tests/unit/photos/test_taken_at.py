"""When a photo was taken, as its EXIF says."""

from datetime import datetime, timedelta
from io import BytesIO

import pytest
from glimpse.photos import TAKEN_AT_UNKNOWN, Taken, guessed, open_photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

TAGS = ExifTags.Base


def photo_with(
    *,
    time: object = None,
    offset: object = None,
    original: object = None,
    its_offset: object = None,
    digitized: object = None,
    digitized_offset: object = None,
) -> bytes:
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    if time is not None:
        exif[TAGS.DateTime] = time
    for tag, value in (
        (TAGS.OffsetTime, offset),
        (TAGS.DateTimeOriginal, original),
        (TAGS.OffsetTimeOriginal, its_offset),
        (TAGS.DateTimeDigitized, digitized),
        (TAGS.OffsetTimeDigitized, digitized_offset),
    ):
        if value is not None:
            details[tag] = value
    stream = BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def seconds(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp())


@pytest.mark.parametrize(
    ("tags", "iso"),
    [
        ({"original": "2024:05:06 07:08:09"}, "2024-05-06T07:08:09Z"),
        ({"original": "2024:05:06 07:08:09", "its_offset": "+02:00"}, "2024-05-06T07:08:09+02:00"),
        ({"original": "2024:05:06 07:08:09", "its_offset": "-05:30"}, "2024-05-06T07:08:09-05:30"),
        ({"original": "2024:05:06 07:08:09", "its_offset": "Z"}, "2024-05-06T07:08:09Z"),
        ({"original": "2024:05:06 07:08:09", "its_offset": "+99:00"}, "2024-05-06T07:08:09Z"),
        ({"original": "2024:05:06 07:08:09", "its_offset": "   :  "}, "2024-05-06T07:08:09Z"),
        ({"original": "2024:05:06 07:08:09", "offset": "+02:00"}, "2024-05-06T07:08:09+02:00"),
        ({"original": "2024:05:06 07:08:09", "offset": "+02:00", "its_offset": "-03:00"},
         "2024-05-06T07:08:09-03:00"),
        ({"original": "2024:05:06 07:08:09", "offset": "+02:00", "its_offset": "   :  "},
         "2024-05-06T07:08:09+02:00"),
        ({"original": "2024:05:06 07:08:09-05:30"}, "2024-05-06T07:08:09-05:30"),
        ({"original": "2024:05:06 07:08:09.123+0100"}, "2024-05-06T07:08:09+01:00"),
        ({"original": "2024:05:06 07:08:09Z", "offset": "+02:00"}, "2024-05-06T07:08:09+02:00"),
        ({"digitized": "2024:05:06 07:08:09", "digitized_offset": "+05:45"}, "2024-05-06T07:08:09+05:45"),
        ({"digitized": "2024:05:06 07:08:09", "its_offset": "+05:45"}, "2024-05-06T07:08:09Z"),
        ({"time": "2020:01:01 00:00:00", "digitized": "2019:01:01 00:00:00"}, "2019-01-01T00:00:00Z"),
        ({"original": "1965:01:02 03:04:05"}, "1965-01-02T03:04:05Z"),
        ({"original": "2024-05-06T07:08"}, "2024-05-06T07:08:00Z"),
        ({"time": "2020:01:01 00:00:00"}, "2020-01-01T00:00:00Z"),
        ({"time": "2020:01:01 00:00:00", "offset": "+13:45"}, "2020-01-01T00:00:00+13:45"),
        ({"time": "2020:01:01 00:00:00", "original": "2019:01:01 00:00:00"}, "2019-01-01T00:00:00Z"),
        ({"time": "2020:01:01 00:00:00", "original": "0000:00:00 00:00:00"}, "2020-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_the_time_is_read(tags: dict[str, str], iso: str) -> None:
    assert open_photo(photo_with(**tags)).taken_at == seconds(iso)


@pytest.mark.parametrize(
    "original", [None, "", "    :  :     :  :  ", "0000:00:00 00:00:00", "2024:13:01 00:00:00", "yesterday"]
)
def test_what_is_not_a_time_is_unknown(original: str | None) -> None:
    assert open_photo(photo_with(original=original)).taken_at == TAKEN_AT_UNKNOWN == -(2**63)


@pytest.mark.parametrize(
    ("written", "local"),
    [
        ("2023:05:06 07:08:09 PM", "2023-05-06T19:08:09"),
        ("2023:05:06 07:08:09 AM", "2023-05-06T07:08:09"),
        ("2023:05:06 07:08:09pm", "2023-05-06T19:08:09"),
        ("2023:05:06 7:08 p.m.", "2023-05-06T19:08:00"),
        ("2023:05:06 12:08:09 AM", "2023-05-06T00:08:09"),
        ("2023:05:06 12:08:09 PM", "2023-05-06T12:08:09"),
        ("2023:05:06 00:08:09 PM", "2023-05-06T12:08:09"),
        ("2023:05:06 19:08:09 PM", "2023-05-06T19:08:09"),
        ("2023:05:06 07:08:09 PMDT", "2023-05-06T07:08:09"),
        ("2023:05:06 23:59:60", "2023-05-06T23:59:59"),
        ("2023:05:06 08:59:60.5", "2023-05-06T08:59:59"),
        ("2023:05:06 24:00:00", "2023-05-07T00:00:00"),
        ("2023:12:31 24:00:00", "2024-01-01T00:00:00"),
        ("2023:05:06  7: 8: 9", "2023-05-06T07:08:09"),
        ("2023: 5: 6  7: 8: 9", "2023-05-06T07:08:09"),
        ("2023:5:6 7:8:9", "2023-05-06T07:08:09"),
        ("2023:05:06T07:08:09", "2023-05-06T07:08:09"),
    ],
)
def test_a_time_is_read_as_clocks_show_it(written: str, local: str) -> None:
    assert open_photo(photo_with(original=written)).taken == Taken(seconds(f"{local}Z"), local)
    ahead = open_photo(photo_with(original=written, its_offset="+02:00")).taken
    assert ahead == Taken(seconds(f"{local}+02:00"), local, 120)


def test_an_offset_follows_the_half_of_the_day() -> None:
    taken = open_photo(photo_with(original="2023:05:06 07:08:09 PM -05:00")).taken
    assert taken == Taken(seconds("2023-05-06T19:08:09-05:00"), "2023-05-06T19:08:09", -300)


@pytest.mark.parametrize(
    "written",
    ["2023:05:06", "2023-05-06 ", "2023:05:06   :  :  ", "2023:05:06 24:00:01", "2023:05:06 25:00:00",
     "2023:05:06 07:60:00", "2023:05:06 07:08:61", "2023:05:06 evening", "2023: 5: 6"],
)  # fmt: skip
def test_a_date_without_a_time_is_a_day_alone(written: str) -> None:
    taken = open_photo(photo_with(original=written)).taken
    assert taken == Taken(seconds("2023-05-06T12:00:00Z"), "2023-05-06")
    ahead = open_photo(photo_with(original=written, its_offset="+02:00")).taken
    assert ahead == Taken(seconds("2023-05-06T12:00:00+02:00"), "2023-05-06", 120)


@pytest.mark.parametrize(
    ("written", "offset"), [("0001:01:01 00:00:00", "+14:00"), ("9999:12:31 23:00:00", "-12:00")]
)
def test_an_offset_that_leads_out_of_the_calendar_counts_for_nothing(written: str, offset: str) -> None:
    taken = open_photo(photo_with(original=written, its_offset=offset)).taken
    assert taken is not None
    assert taken.offset_minutes is None
    shown = datetime(1970, 1, 1) + timedelta(seconds=taken.instant)
    assert taken.local == shown.isoformat() == f"{written[:10].replace(':', '-')}T{written[11:]}"


def test_the_last_midnight_of_the_calendar_is_its_last_day() -> None:
    taken = open_photo(photo_with(original="9999:12:31 24:00:00")).taken
    assert taken is not None
    assert taken.local == "9999-12-31"


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_every_time_in_every_zone_comes_back(moment: datetime, minutes: int) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    photo = open_photo(photo_with(original=moment.strftime("%Y:%m:%d %H:%M:%S"), its_offset=offset))
    assert photo.taken_at == seconds(moment.replace(microsecond=0).isoformat() + "+00:00") - minutes * 60


def test_the_time_on_the_spot_is_kept_beside_the_instant() -> None:
    taken = open_photo(photo_with(original="2024:05:01 00:30:00", its_offset="+02:00")).taken
    assert taken == Taken(seconds("2024-04-30T22:30:00Z"), "2024-05-01T00:30:00", 120)
    assert open_photo(photo_with(original="2024:05:01 00:30:00")).taken == Taken(
        seconds("2024-05-01T00:30:00Z"), "2024-05-01T00:30:00", None
    )


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("IMG-20220121-WA0004.jpg", "2022-01-21"),
        ("VID-20220121-WA0004.mp4", "2022-01-21"),
        ("IMG_20220121_101112.jpg", "2022-01-21T10:11:12"),
        ("IMG_20220121_101112_HDR.jpg", "2022-01-21T10:11:12"),
        ("PXL_20230505_101422123.MP.jpg", "2023-05-05T10:14:22"),
        ("Screenshot_2023-10-01-10-11-12-123_org.example.png", "2023-10-01T10:11:12"),
        ("Screenshot_20231001-101112_Maps.jpg", "2023-10-01T10:11:12"),
        ("Screenshot from 2023-10-01 10-11-12.png", "2023-10-01T10:11:12"),
        ("signal-2022-01-21-101112.jpg", "2022-01-21T10:11:12"),
        ("signal-2022-01-21-10-11-12-345.jpg", "2022-01-21T10:11:12"),
        ("WhatsApp Image 2023-05-05 at 10.14.22.jpeg", "2023-05-05T10:14:22"),
        ("photo_2023-05-05_10-14-22.jpg", "2023-05-05T10:14:22"),
        ("20230505_101422.jpg", "2023-05-05T10:14:22"),
        ("2023-05-05 10.14.22.jpg", "2023-05-05T10:14:22"),
        ("IMG_20220121_996112.jpg", "2022-01-21"),
    ],
)
def test_the_time_in_a_name_is_a_guess(name: str, local: str) -> None:
    taken = guessed(name)
    assert taken is not None
    assert (taken.local, taken.is_guessed, taken.offset_minutes) == (local, True, None)
    assert taken.instant == seconds((local if "T" in local else f"{local}T12:00:00") + "+00:00")


@pytest.mark.parametrize(
    "name",
    ["IMG_0001.jpg", "", "IMG-20221321-WA0004.jpg", "IMG-20220230-WA0004.jpg", "20220121123456789.jpg",
     "DSC20220.jpg", "1702202212345.jpg", "IMG_2023-0505.jpg", "18990101.jpg"],
)  # fmt: skip
def test_a_name_without_a_time_is_none(name: str) -> None:
    assert guessed(name) is None


def test_damaged_exif_does_not_spoil_the_picture() -> None:
    data = photo_with(original="2024:05:06 07:08:09")
    start = data.index(b"Exif\0\0") + 6
    spoilt = data[:start] + b"\xff" * 24 + data[start + 24 :]
    photo = open_photo(spoilt)
    assert (photo.width, photo.taken_at) == (8, TAKEN_AT_UNKNOWN)
