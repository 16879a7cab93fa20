"""A batch of queue messages, each of which is acknowledged or comes again on its own."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from glimpse.keys import UploadKey
from glimpse.records import FolderStillActive

from functions.embed.services.erasing import EraseFolder, FolderEraser
from functions.embed.services.uploads import UploadIndexer
from functions.embed.services.work import Outcome, UploadEvent

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """S3's word that an object was written under a (decoded) key."""

    key: str
    sequencer: str


@dataclass(frozen=True, slots=True)
class Unintelligible:
    """A message that asks for nothing that is known here, and what is wrong with it."""

    error: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, and how often it was delivered, this time included."""

    message_id: str
    receive_count: int
    content: Sequence[StoredObject] | EraseFolder | Unintelligible


@dataclass(slots=True)
class Report:
    """What became of a batch.

    Attributes
    ----------
    outcomes
        How many objects and requests ended how.
    reasons
        Whatever did not end well, with what is known of it; for the log.
    again
        Ids of messages that have to come again, or end in the dead-letter queue.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: list[dict[str, object]] = field(default_factory=list)
    again: list[str] = field(default_factory=list)

    def note(self, delivery: Delivery, outcome: str, reason: str | None, **about: object) -> None:
        """Count an outcome, and keep the reason with what it is about."""
        self.outcomes[outcome] += 1
        if reason:
            named = {"message_id": delivery.message_id, "receive_count": delivery.receive_count}
            self.reasons.append({**named, **about, "outcome": outcome, "reason": reason})


class Consumer:
    """Does what messages ask for.

    Parameters
    ----------
    uploads, eraser
        Who does it.
    """

    def __init__(self, uploads: UploadIndexer, eraser: FolderEraser) -> None:
        self._uploads = uploads
        self._eraser = eraser

    def consume(self, deliveries: Sequence[Delivery], remaining_seconds: Callable[[], float]) -> Report:
        """Process a batch; nothing that a message holds stops another.

        Parameters
        ----------
        deliveries
            The batch.
        remaining_seconds
            Tells how long the invocation may go on.
        """
        report = Report()
        uploads: dict[UploadEvent, list[Delivery]] = defaultdict(list)
        for delivery in deliveries:
            match delivery.content:
                case Unintelligible(error):
                    report.note(delivery, "unintelligible", error)
                    report.again.append(delivery.message_id)
                case EraseFolder():
                    self._erase(delivery, delivery.content, remaining_seconds, report)
                case objects:
                    for stored in objects:
                        if event := _upload_event(stored, delivery, report):
                            uploads[event].append(delivery)
        self._index(uploads, report)
        return report

    def _index(self, uploads: dict[UploadEvent, list[Delivery]], report: Report) -> None:
        for event, result in self._uploads.process(list(uploads)).items():
            for delivery in uploads[event]:
                report.note(delivery, result.outcome, result.reason, image_id=event.key.image_id)
                if result.outcome is Outcome.POSTPONED and delivery.message_id not in report.again:
                    report.again.append(delivery.message_id)

    def _erase(
        self,
        delivery: Delivery,
        request: EraseFolder,
        remaining_seconds: Callable[[], float],
        report: Report,
    ) -> None:
        outcome, reason = "postponed", ""
        try:
            outcome = self._eraser.erase(
                request, receive_count=delivery.receive_count, remaining_seconds=remaining_seconds
            )
        except FolderStillActive as error:
            reason = str(error)
        except Exception as error:  # whatever it is: what is done stays done, and the message comes again
            _logger.exception("folder %d was not erased", request.folder_id)
            reason = f"{type(error).__name__}: {error}"
        report.note(delivery, outcome, reason, folder_id=request.folder_id)
        if reason:
            report.again.append(delivery.message_id)


def _upload_event(stored: StoredObject, delivery: Delivery, report: Report) -> UploadEvent | None:
    try:
        key = UploadKey.parse(stored.key)
    except ValueError as error:
        # Nothing of Glimpse's wrote it, so it is not Glimpse's to touch.
        report.note(delivery, Outcome.FOREIGN, str(error))
        return None
    return UploadEvent(key, stored.sequencer, redelivered=delivery.receive_count > 1)
