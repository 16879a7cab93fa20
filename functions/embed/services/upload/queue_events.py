"""S3's events of a batch of messages, grouped by the upload that they tell of."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from glimpse.keys import UploadKey
from glimpse.queues import BatchReport, Delivery, ObjectCreated

from functions.embed.services.upload.events import UploadEvent, UploadOutcome
from functions.embed.services.upload.indexer import UploadIndexer


@dataclass(frozen=True, slots=True)
class UploadEvents:
    """Has the uploads of a batch indexed together, and notes what became of them.

    Attributes
    ----------
    indexer
        Brings uploads into their folders' indexes.
    """

    indexer: UploadIndexer

    def __call__(
        self, events: Sequence[tuple[Delivery, Sequence[ObjectCreated]]], report: BatchReport
    ) -> None:
        """Index what the events tell of. A message comes again if one of its uploads was not finished."""
        uploads: dict[UploadEvent, list[Delivery]] = defaultdict(list)
        for delivery, created in events:
            for stored in created:
                if event := _upload_event(stored, delivery, report):
                    uploads[event].append(delivery)
        for event, result in self.indexer.process(list(uploads)).items():
            for delivery in uploads[event]:
                report.note(
                    delivery,
                    result.outcome,
                    result.reason,
                    comes_again=result.outcome is UploadOutcome.POSTPONED,
                    image_id=event.key.image_id,
                )


def _upload_event(stored: ObjectCreated, delivery: Delivery, report: BatchReport) -> UploadEvent | None:
    try:
        key = UploadKey.parse(stored.key)
    except ValueError as error:
        # Nothing of Glimpse's wrote it, so it is not Glimpse's to touch.
        report.note(delivery, UploadOutcome.FOREIGN, str(error))
        return None
    return UploadEvent(key, stored.sequencer, delivery.receive_count)
