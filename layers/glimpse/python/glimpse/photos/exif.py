"""What a photo's EXIF says about how to hold it and when it was taken.

EXIF is written by cameras of every age and by editors of every quality: whatever cannot be understood here
counts as not said, since the picture itself may well be fine. Tags and formats: CIPA DC-008 (Exif 2.32), 4.6.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

TAKEN_AT_UNKNOWN = -(2**63)
"""``taken_at`` of a photo that does not say when it was taken: the smallest int64."""

# Where a time may be, best first: directory and tag of the time, and its offset's tag in the Exif directory.
_TIMES = (
    (ExifTags.IFD.Exif, ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (None, ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)
_TIME = re.compile(r"\s*(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")
_OFFSET = re.compile(r"\s*([+-])(\d\d):?(\d\d)")
_MAX_OFFSET = timedelta(hours=14)  # of any time zone there is


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 (upright) where none or an unknown one is given."""
    value = _exif(image).get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def taken_at(image: Image.Image) -> int:
    """Return when a photo was taken.

    Parameters
    ----------
    image
        An opened image, decoded or not.

    Returns
    -------
    int
        Seconds since 1970-01-01 UTC, or ``TAKEN_AT_UNKNOWN``. A time without an offset is taken for UTC.
    """
    tags = _exif(image)
    details = _directory(tags, ExifTags.IFD.Exif)
    for directory, time, offset in _TIMES:
        values = details if directory == ExifTags.IFD.Exif else tags
        seconds = _seconds(values.get(time), details.get(offset))
        if seconds is not None:
            return seconds
    return TAKEN_AT_UNKNOWN


def _exif(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except Exception:  # a damaged block makes Pillow raise nearly anything: it then says nothing
        return Image.Exif()


def _directory(tags: Image.Exif, directory: int) -> dict[int, Any]:
    try:
        return dict(tags.get_ifd(directory))
    except Exception:  # as above
        return {}


def _seconds(time: object, offset: object) -> int | None:
    match = _TIME.match(time) if isinstance(time, str) else None
    if match is None:
        return None
    try:
        moment = datetime(*(int(part or 0) for part in match.groups()), tzinfo=_zone(offset))  # type: ignore[misc, arg-type]
    except ValueError:  # 0000:00:00 is how many cameras say that their clock was never set
        return None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _zone(offset: object) -> timezone:
    match = _OFFSET.match(offset) if isinstance(offset, str) else None
    if match is None:
        return UTC
    distance = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if distance > _MAX_OFFSET:
        return UTC
    return timezone(-distance if match[1] == "-" else distance)
