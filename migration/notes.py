"""An import's notes on single objects: that they were changed or not imported, and why."""

from dataclasses import dataclass
from enum import StrEnum

from migration.text import shown


class Kind(StrEnum):
    """The kinds of objects in an old installation."""

    USER = "user"
    FOLDER = "folder"
    SHARE = "share"
    IMAGE = "image"
    VECTOR = "vector"
    INDEX = "index file"
    FILE = "file"
    TABLE = "table"


class ImportOutcome(StrEnum):
    """The outcome for an object."""

    CHANGED = "changed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Note:
    """A note on an object that was changed or not imported.

    Attributes
    ----------
    kind, old
        Its kind, and its old key as :func:`~migration.text.shown` returns it.
    outcome
        Whether it was imported.
    reason
        Why it was not, or how it changed: a clause.
    """

    kind: Kind
    old: str
    outcome: ImportOutcome
    reason: str


def skipped(kind: Kind, old: str, reason: str) -> Note:
    """Return a note on an object that was not imported."""
    return Note(kind, shown(old), ImportOutcome.SKIPPED, shown(reason))


def changed(kind: Kind, old: str, reason: str) -> Note:
    """Return a note on an object that was changed in the import."""
    return Note(kind, shown(old), ImportOutcome.CHANGED, shown(reason))
