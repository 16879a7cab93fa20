"""Events of uploads, and what became of them."""

from dataclasses import dataclass
from enum import StrEnum

from glimpse.keys import UploadKey


@dataclass(frozen=True, slots=True)
class UploadEvent:
    """S3's word that an object was written.

    Attributes
    ----------
    key
        The object.
    sequencer
        Orders the events of one key; see :func:`glimpse.records.is_newer`.
    receive_count
        How often it was delivered, this time included: an earlier delivery may have done part of the work.
    """

    key: UploadKey
    sequencer: str
    receive_count: int = 1


class UploadOutcome(StrEnum):
    """What became of an event. All but POSTPONED are final."""

    INDEXED = "indexed"
    FAILED = "failed"
    DELETED = "deleted"
    KNOWN = "known"
    FOREIGN = "foreign"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class UploadResult:
    """An outcome, and why, where there is something to say."""

    outcome: UploadOutcome
    reason: str | None = None
