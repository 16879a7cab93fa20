"""What an import says of single things: that they came otherwise than they were, or not at all, and why."""

from dataclasses import dataclass
from enum import StrEnum

from migration.text import shown


class Kind(StrEnum):
    """What there is to be imported."""

    USER = "user"
    FOLDER = "folder"
    SHARE = "share"
    IMAGE = "image"
    VECTOR = "vector"
    INDEX = "index file"
    FILE = "file"
    TABLE = "table"


class ImportOutcome(StrEnum):
    """What became of something."""

    CHANGED = "changed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that did not come just as it was.

    Attributes
    ----------
    kind, old
        What it is, and what it was called, as :func:`~migration.text.shown` says it.
    outcome
        Whether it came.
    reason
        Why, or how it changed: a clause.
    """

    kind: Kind
    old: str
    outcome: ImportOutcome
    reason: str


def skipped(kind: Kind, old: str, reason: str) -> Note:
    """Return the note on what was not imported."""
    return Note(kind, shown(old), ImportOutcome.SKIPPED, shown(reason))


def changed(kind: Kind, old: str, reason: str) -> Note:
    """Return the note on what was imported otherwise than it was."""
    return Note(kind, shown(old), ImportOutcome.CHANGED, shown(reason))
