"""Reads a photo's orientation and capture time from its EXIF.

EXIF is written by cameras of every age and by editors of every quality. Values that can't be understood count
as absent, since the picture itself may be fine. Tags and formats: CIPA DC-008 (Exif 2.32), 4.6.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

from glimpse.photos.taken import Taken

# Where a time may be, best first: directory and tag of the time, and tag of its UTC offset.
_TIMES = (
    (ExifTags.IFD.Exif, ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.IFD.Exif, ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (None, ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)
_DAY = re.compile(r"\s*(\d{4})[:/.-] ?(\d\d?)[:/.-] ?(\d\d?)(?!\d)")
_CLOCK = re.compile(
    r"(?:\s+|T)(\d\d?): ?(\d\d?)(?:: ?(\d\d?)(?:[.,]\d+)?)?(?!\d)"
    r"\s*(?:([AaPp])\.?[Mm]\b\.?)?\s*(Z|[+-]\d\d:?\d\d)?"
)
_OFFSET = re.compile(r"\s*(?:Z|([+-])(\d\d):?(\d\d))")
_DAY_LENGTH = timedelta(days=1)
_MAX_OFFSET = timedelta(hours=14)  # no time zone is further from UTC


def orientation(exif: Image.Exif) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 (upright) if it is absent or invalid."""
    value = exif.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def taken(exif: Image.Exif) -> Taken | None:
    """Return when a photo was taken, or None if EXIF does not say.

    A time's UTC offset is in its own tag, otherwise in the tag for the file's time, otherwise in the time
    itself. Hours may be on a 12-hour clock with AM and PM, and blanks may stand for zeros. If only the date
    can be understood, the result is a date alone.
    """
    details = _directory(exif, ExifTags.IFD.Exif)
    for directory, time, offset in _TIMES:
        values = details if directory == ExifTags.IFD.Exif else exif
        found = _taken(values.get(time), (details.get(offset), details.get(ExifTags.Base.OffsetTime)))
        if found is not None:
            return found
    return None


def exif_of(image: Image.Image) -> Image.Exif:
    """Return the EXIF of an opened image; empty if its block is damaged."""
    try:
        return image.getexif()
    except Exception:  # a damaged block makes Pillow raise almost anything; it counts as empty
        return Image.Exif()


def exif_of_tiff(data: bytes) -> Image.Exif:
    """Return the first directory of a TIFF as EXIF, which has the same format."""
    exif = Image.Exif()
    try:
        exif.load(data)
    except Exception:  # as above
        return Image.Exif()
    return exif


def _directory(tags: Image.Exif, directory: int) -> dict[int, Any]:
    try:
        return dict(tags.get_ifd(directory))
    except Exception:  # as above
        return {}


def _taken(value: object, offsets: tuple[object, ...]) -> Taken | None:
    found = _DAY.match(value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        day = datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:  # many cameras write 0000:00:00 if their clock was never set
        return None
    clock = _CLOCK.match(found.string, found.end())
    zones = (_zone(offset) for offset in (*offsets, clock and clock[5]))
    zone = next((each for each in zones if each is not None), None)
    since_midnight = _since_midnight(clock) if clock else None
    try:
        return Taken.on(day.date(), zone) if since_midnight is None else Taken.at(day + since_midnight, zone)
    except OverflowError:  # 24:00:00 on the last day of the calendar
        return Taken.on(day.date(), zone)


def _since_midnight(clock: re.Match[str]) -> timedelta | None:
    """Return the time since midnight, or None if it is invalid.

    24:00:00 is the next midnight. A leap second, :60, counts as the second before it.
    """
    hour, minute, second = (int(part or 0) for part in clock.group(1, 2, 3))
    half = (clock[4] or "").upper()
    if half and hour <= 12:  # a later hour is on a 24-hour clock, whatever follows it
        hour = hour % 12 + 12 * (half == "P")
    time = timedelta(hours=hour, minutes=minute, seconds=min(second, 59))
    return time if minute <= 59 and second <= 60 and time <= _DAY_LENGTH else None


def _zone(offset: object) -> timezone | None:
    match = _OFFSET.match(offset) if isinstance(offset, str) else None
    if match is None:
        return None
    if match[1] is None:
        return UTC
    distance = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if distance > _MAX_OFFSET:
        return None
    return timezone(-distance if match[1] == "-" else distance)
