"""When a photo was taken: the instant, what a clock showed there, and how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Self

TAKEN_AT_UNKNOWN = -(2**63)
"""``taken_at`` of a photo that does not say when it was taken: the smallest int64."""

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
        Seconds since 1970-01-01 UTC; where the offset is not known, as if the clock had shown UTC.
    local
        What a clock showed there, as in ISO 8601: ``2024-05-01T00:30:00``, or the day alone.
    offset_minutes
        By how much that clock was ahead of UTC; None if that is not known.
    is_guessed
        Whether it is only what the file's name looks like.
    """

    instant: int
    local: str
    offset_minutes: int | None = None
    is_guessed: bool = False

    @classmethod
    def at(cls, local: datetime, zone: timezone | None) -> Self:
        """Return the time at which a clock showed `local`.

        An offset that leads out of the calendar, years 1 to 9999, counts as not known.
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
        """Return a day alone, which has its midday for an instant."""
        midday = cls.at(datetime.combine(day, time(_MIDDAY)), zone)
        return replace(midday, local=day.isoformat())


def guessed(name: str) -> Taken | None:
    """Return the time that a file's name begins with, after words such as "IMG" or "Screenshot"; or None.

    Messengers and phones name files so, and messengers drop everything else that tells of a time. A day alone
    has its midday for an instant.

    Parameters
    ----------
    name
        Without its path.
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
