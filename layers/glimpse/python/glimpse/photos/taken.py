"""A photo's capture time: the instant, the local time, and whether it is a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Self

TAKEN_AT_UNKNOWN = -(2**63)
"""``taken_at`` of a photo without a capture time: the smallest int64."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIDDAY = 12
# IMG-20220121-WA0004, PXL_20230505_101422123, Screenshot_2023-05-05-10-14-22, photo_2023-05-05_10-14-22
_DATE = re.compile(
    r"(?:[A-Za-z]+[ _-]+){0,4}((?:19[7-9]|20\d)\d)([-_.]?)(\d\d)\2(\d\d)(?!\d)"
    r"(?:[ _T-]+(?:at[ _-])?(\d\d)([-_.:]?)(\d\d)\6(\d\d))?"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """When a photo was taken.

    Attributes
    ----------
    instant
        Seconds since 1970-01-01 UTC. If the offset is unknown, the local time is taken as UTC.
    local
        The local time in ISO 8601: ``2024-05-01T00:30:00``, or only the date.
    offset_minutes
        The UTC offset of the local time in minutes; None if unknown.
    is_guessed
        Whether the time is only guessed from the file's name.
    """

    instant: int
    local: str
    offset_minutes: int | None = None
    is_guessed: bool = False

    @classmethod
    def at(cls, local: datetime, zone: timezone | None) -> Self:
        """Return the capture time for a local time and its UTC offset, if known.

        An offset that leads outside the calendar (years 1 to 9999) counts as unknown.
        """
        moment = local.replace(tzinfo=zone or UTC)
        try:
            moment.astimezone(UTC)
        except OverflowError:
            return cls.at(local, None)
        offset = moment.utcoffset() if zone else None
        seconds = (moment - _EPOCH) // timedelta(seconds=1)
        return cls(seconds, local.isoformat(), None if offset is None else offset // timedelta(minutes=1))

    @classmethod
    def on(cls, day: date, zone: timezone | None) -> Self:
        """Return the capture time for a date without a time; its instant is noon."""
        midday = cls.at(datetime.combine(day, time(_MIDDAY)), zone)
        return replace(midday, local=day.isoformat())


def guessed(name: str) -> Taken | None:
    """Guess the capture time from a file name, or return None.

    Phones and messengers begin names with a time, after words such as "IMG" or "Screenshot", and messengers
    strip all other traces of it. If there is only a date, the instant is noon.

    Parameters
    ----------
    name
        The file's name, without its path.
    """
    match = _DATE.match(name)
    if match is None:
        return None
    year, _, month, day, hour, _, minute, second = match.groups()
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    day_alone = replace(Taken.on(found, None), is_guessed=True)
    if hour is None:
        return day_alone
    try:
        clock = time(int(hour), int(minute), int(second))
    except ValueError:
        return day_alone
    return replace(Taken.at(datetime.combine(found, clock), None), is_guessed=True)
