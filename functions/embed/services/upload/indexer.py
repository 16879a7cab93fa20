"""Stored uploads become part of their folders' indexes.

An image may be poison: the worker that takes it up is killed, or its folder's run fails whenever it is there.
So what comes again is taken up one image at a time, after everything that is new, and in the other order the
next time; and before an image's last delivery its record says that it failed. If that delivery succeeds after
all, or one from the dead-letter queue does, the record says INDEXED in the end.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from glimpse.index import FormatError
from glimpse.keys import UploadKey
from glimpse.records import ImageStatus, ImageStore, is_newer
from glimpse.unusable_index import advice

from functions.embed.services.upload.events import UploadEvent, UploadOutcome, UploadResult
from functions.embed.services.upload.folder_run import FolderRun
from functions.embed.services.upload.uploaded_object import UploadedObject

GIVEN_UP = "The picture could not be processed after several tries; upload it again."

_NO_EVENT = ""  # sorts before every sequencer of S3, so that the event itself stays newer than the record

_logger = logging.getLogger(__name__)


NewRun = Callable[[int, int, Iterable[UploadedObject]], FolderRun]
"""Makes a run over objects of one folder, of a user's."""


class UploadIndexer:
    """Brings uploads into the indexes of their folders.

    Parameters
    ----------
    images
        Their records.
    new_run
        Makes a run over the uploads of one folder.
    max_receives
        After so many deliveries the queue moves a message to its dead-letter queue.
    """

    def __init__(self, images: ImageStore, new_run: NewRun, *, max_receives: int) -> None:
        self._images = images
        self._new_run = new_run
        self._max_receives = max_receives

    def process(self, events: Sequence[UploadEvent]) -> dict[UploadEvent, UploadResult]:
        """Bring the objects of events into their indexes, one commit per folder for those that are new.

        Parameters
        ----------
        events
            In any order, with repeats.

        Returns
        -------
        dict
            What became of each. One that could not be finished is POSTPONED, and never stops another.
        """
        newest: dict[UploadKey, UploadEvent] = {}
        receives: dict[UploadKey, int] = defaultdict(int)
        for event in events:
            known = newest.get(event.key)
            if known is None or is_newer(event.sequencer, known.sequencer):
                newest[event.key] = event
            receives[event.key] = max(receives[event.key], event.receive_count)
        last = [key for key, count in receives.items() if count >= self._max_receives]
        self._expect_the_worst(last, GIVEN_UP)
        results: dict[UploadKey, UploadResult] = {}
        for keys in _runs(receives):
            uploads = [UploadedObject(key, newest[key].sequencer, receives[key] > 1) for key in keys]
            run = self._new_run(keys[0].user_id, keys[0].folder_id, uploads)
            done = run.run()
            if isinstance(run.failure, FormatError):
                waiting = [key for key, result in done.items() if result.outcome is UploadOutcome.POSTPONED]
                self._expect_the_worst(waiting, advice(keys[0].folder_id, run.failure))
            results |= done
        return {event: results[event.key] for event in events}

    def _expect_the_worst(self, keys: Iterable[UploadKey], reason: str) -> None:
        """Mark PENDING images FAILED, in a way that lets a later delivery of the same event succeed.

        Those of a last delivery are marked beforehand: a worker that is killed marks nothing. Those of an
        index that can't be used wait for an operator, and whoever uploaded them is told. An INDEXED image, of
        which this is a replacement, stays INDEXED with its earlier picture.
        """
        for key in keys:
            pair = key.folder_id, key.image_id
            try:
                record = self._images.get_many([pair]).get(pair)
                if record and record.status is ImageStatus.PENDING and record.key == key.format():
                    self._images.mark_failed(record, reason, sequencer=_NO_EVENT)
            except Exception:  # whatever it is: the delivery itself may succeed all the same
                _logger.exception("image %d was not marked", key.image_id)


def _runs(receives: Mapping[UploadKey, int]) -> Iterator[list[UploadKey]]:
    """Yield what is taken up together: what is new by its folder, then each that comes again on its own."""
    folders: dict[tuple[int, int], list[UploadKey]] = defaultdict(list)
    for key, count in receives.items():
        if count == 1:
            folders[key.user_id, key.folder_id].append(key)
    yield from folders.values()
    for count in sorted(set(receives.values()) - {1}):
        same = [key for key in receives if receives[key] == count]
        # What stood behind a poisonous image stands before it the next time.
        for key in sorted(same, key=UploadKey.format, reverse=count % 2 == 1):
            yield [key]
