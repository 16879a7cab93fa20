"""What a photo's EXIF says about how to hold it and when it was taken.

EXIF is written by cameras of every age and by editors of every quality: whatever cannot be understood here
counts as not said, since the picture itself may well be fine. Tags and formats: CIPA DC-008 (Exif 2.32), 4.6.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

from glimpse.photos.taken import Taken

# Where a time may be, best first: directory and tag of the time, and the tag of its own offset.
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
_MAX_OFFSET = timedelta(hours=14)  # of any time zone there is


def orientation(exif: Image.Exif) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 (upright) where none or an unknown one is given."""
    value = exif.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def taken(exif: Image.Exif) -> Taken | None:
    """Return when a photo was taken, or None if that is not said.

    A time's offset from UTC is in a tag of its own, else in that of the file's time, else in the time itself.
    Hours may be those of a clock with AM and PM, and blanks stand for zeros. A date without a time that can
    be understood is a day alone.
    """
    details = _directory(exif, ExifTags.IFD.Exif)
    for directory, time, offset in _TIMES:
        values = details if directory == ExifTags.IFD.Exif else exif
        found = _taken(values.get(time), (details.get(offset), details.get(ExifTags.Base.OffsetTime)))
        if found is not None:
            return found
    return None


def exif_of(image: Image.Image) -> Image.Exif:
    """Return what an opened image says of itself; nothing where its block is damaged."""
    try:
        return image.getexif()
    except Exception:  # a damaged block makes Pillow raise nearly anything: it then says nothing
        return Image.Exif()


def exif_of_tiff(data: bytes) -> Image.Exif:
    """Return what the first directory of a TIFF says: EXIF is one."""
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
    except ValueError:  # 0000:00:00 is how many cameras say that their clock was never set
        return None
    clock = _CLOCK.match(found.string, found.end())
    zones = (_zone(offset) for offset in (*offsets, clock and clock[5]))
    zone = next((each for each in zones if each is not None), None)
    since_midnight = _since_midnight(clock) if clock else None
    try:
        return Taken.on(day.date(), zone) if since_midnight is None else Taken.at(day + since_midnight, zone)
    except OverflowError:  # the last midnight of the calendar
        return Taken.on(day.date(), zone)


def _since_midnight(clock: re.Match[str]) -> timedelta | None:
    """Return how long after midnight a clock shows so; None if none does.

    24:00:00 is the next midnight, and a leap second, :60, the second before it.
    """
    hour, minute, second = (int(part or 0) for part in clock.group(1, 2, 3))
    half = (clock[4] or "").upper()
    if half and hour <= 12:  # a later hour is one of 24 whatever follows it
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
