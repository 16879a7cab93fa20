"""Parse single fields of rows, in any form that a database may have written."""

from datetime import UTC, datetime
from typing import Any

from glimpse.keys import MAX_ID

from migration.notes import Kind, Note, skipped
from migration.text import from_bytes, legible


class TableIds:
    """The ids of one table: unique whole numbers."""

    def __init__(self, kind: Kind, notes: list[Note]) -> None:
        self.taken: set[int] = set()
        self._kind = kind
        self._notes = notes

    def take(self, said: object) -> int | None:
        """Parse an id; None, with a note, if it is invalid or a duplicate."""
        number = integer(said)
        if number is None or not 1 <= number <= MAX_ID:
            self._notes.append(
                skipped(self._kind, str(said), "its id is not a whole number from 1 to 2^53-1")
            )
            return None
        if number in self.taken:
            self._notes.append(skipped(self._kind, str(said), "an earlier row has the same id"))
            return None
        self.taken.add(number)
        return number


def integer(said: Any) -> int | None:  # noqa: ANN401 - whatever a table holds
    """Parse a whole number; None if it is not one."""
    try:
        number = int(said)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if isinstance(said, float) and said != number else number


def path_of(said: object) -> str:
    """Return a path with all its bytes; those that are not UTF-8 are surrogates."""
    return from_bytes(said) if isinstance(said, bytes) else "" if said is None else str(said)


def text_of(said: object) -> str:
    """Return a legible text: one that can't be written as UTF-8 can't be stored anywhere."""
    return legible(path_of(said))


def time_of(said: object) -> datetime | None:
    """Parse a time as databases write it; None if it is not one. Without a zone it is taken as UTC."""
    try:
        if isinstance(said, int | float):
            return datetime.fromtimestamp(said, UTC)
        time = datetime.fromisoformat(str(said).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
