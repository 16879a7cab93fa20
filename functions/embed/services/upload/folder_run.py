"""The uploads of one folder become part of its index, whatever crashes, repeats or reorders.

The order of steps is that of :mod:`glimpse.ingest`. Here they are:

1. Ask to which embedding spaces the folder's images go, begin in the index of each, and ask again: the folder
   has to be there, with the same spaces.
2. Prepare the objects that their records call for, and put the renditions.
3. Commit, and read the records again. Those that are there are marked, which counts the job. This needs the
   spaces to be those of step 1; where another one came, it is another round.
4. Ask whether the objects are still those that were embedded; if one was replaced, it is another round.
5. What was deleted meanwhile is taken back, and its objects go.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from glimpse.index import EpochChanged
from glimpse.ingest import ROUNDS, Ingest, indexes_of
from glimpse.keys import UploadKey
from glimpse.records import (
    FolderRecord,
    ImageRecord,
    ImageStore,
    RecordsContended,
    SpacesChanged,
)

from functions.embed.services.active_folders import ActiveFolders
from functions.embed.services.embedding.encoders import Encoder, Encoders
from functions.embed.services.embedding.preparing import (
    ABSENT,
    Postponed,
    Preparation,
    Prepared,
    Preparer,
    Refused,
    Source,
    vector_batch,
)
from functions.embed.services.upload.events import Outcome, Result
from functions.embed.services.upload.work import Work
from functions.embed.storage.objects import ImagesBucket

_logger = logging.getLogger(__name__)


class FolderRun:
    """Takes objects of one folder from their events to their results.

    Parameters
    ----------
    user_id, folder_id
        The folder.
    works
        The objects. They stay open until they have a result.
    images, objects, folders
        Where records and files are.
    encoders, preparer
        Make vectors of pictures.
    ingest
        Brings them into the folder's indexes.
    namespace
        Of these indexes.
    """

    def __init__(
        self,
        user_id: int,
        folder_id: int,
        works: Iterable[Work],
        *,
        images: ImageStore,
        objects: ImagesBucket,
        folders: ActiveFolders,
        encoders: Encoders,
        preparer: Preparer,
        ingest: Ingest,
        namespace: str,
    ) -> None:
        self._user_id = user_id
        self._folder_id = folder_id
        self._open = list(works)
        self._images = images
        self._objects = objects
        self._folders = folders
        self._encoders = encoders
        self._preparer = preparer
        self._ingest = ingest
        self._namespace = namespace
        self._results: dict[UploadKey, Result] = {}
        self.failure: Exception | None = None

    def run(self) -> dict[UploadKey, Result]:
        """Return what became of each object: POSTPONED if it was not finished; `failure` may say why."""
        reason = "the index, or the images, kept changing"
        try:
            for _ in range(ROUNDS):
                if self._open:
                    self._round()
        except Exception as error:  # whatever it is: what is finished stays so, and other folders go on
            _logger.exception("the uploads of folder %d were not finished", self._folder_id)
            self.failure, reason = error, f"{type(error).__name__}: {error}"
        self._finish(self._open, Outcome.POSTPONED, reason)
        return self._results

    def _round(self) -> None:
        folder = self._alive()
        if folder is None:
            return
        encoders = self._encoders.of(folder.index_versions)
        versions = {space_id: folder.index_versions[space_id] for space_id in encoders}
        indexes = indexes_of(self._namespace, self._user_id, self._folder_id, versions)
        ingestion = self._ingest.begin(indexes, self._alive)
        if ingestion.seen is None or ingestion.seen.spaces_revision != folder.spaces_revision:
            return  # in the first case, everything is finished
        deleted = self._read_records()
        self._prepare(encoders)
        ready, replaced = self._change()
        added = {space_id: vector_batch(ready, space_id) for space_id in encoders}

        def look_again() -> list[int]:
            deleted.extend(self._read_again())
            deleted.extend(self._mark(folder.spaces_revision))
            return [work.key.image_id for work in deleted if work.may_be_indexed]

        try:
            ingestion.bring(added, replaced, look_again)
        except EpochChanged:
            return  # only the index was deleted, or the folder too: the next round sees which
        self._discard(deleted)

    def _alive(self) -> FolderRecord | None:
        """Return the folder with its spaces; discard everything if it is gone."""
        folder = self._folders.get(self._folder_id)
        if folder is None:
            self._discard(self._open)
        return folder

    def _read_records(self) -> list[Work]:
        """Finish what the records settle, and return what was deleted."""
        records = self._images.get_many({work.pair for work in self._open})
        for work in tuple(self._open):
            work.record = record = records.get(work.pair)
            if record is None:
                continue
            if record.key != work.key.format():
                self._finish([work], Outcome.FOREIGN, "the record of this image names another object")
            elif not work.again and work.is_settled(record) and not work.may_be_outdated(record):
                self._finish([work], Outcome.KNOWN)
            elif work.is_overtaken(record):
                work.again, work.sequencer = True, record.sequencer or ""
        return [work for work in self._open if work.record is None]

    def _prepare(self, encoders: Mapping[str, Encoder]) -> None:
        waiting = [work for work in self._open if work.record and not work.is_prepared_for(encoders)]
        sources = [Source(work.key.format(), work.thumbnail_key) for work in waiting]
        for work, preparation in zip(waiting, self._preparer.prepare(sources, encoders), strict=True):
            work.preparation = preparation
            if isinstance(preparation, Postponed):
                self._finish([work], Outcome.POSTPONED, preparation.error)

    def _change(self) -> tuple[dict[int, Prepared], list[int]]:
        """Return the pictures to bring into the indexes, and the images whose earlier vectors go."""
        alive = [work for work in self._open if work.record]
        ready = {
            work.key.image_id: work.preparation for work in alive if isinstance(work.preparation, Prepared)
        }
        replaced = [work.key.image_id for work in alive if work.has_vector]
        for work in alive:
            # From the first of the commits on there may be a vector in one of the indexes.
            work.may_be_indexed |= isinstance(work.preparation, Prepared)
        return ready, replaced

    def _read_again(self) -> list[Work]:
        """Note that the indexes agree with what was prepared, and return what was deleted meanwhile."""
        alive = [work for work in self._open if work.record]
        records = self._images.get_many({work.pair for work in alive})
        for work in alive:
            work.may_be_indexed = isinstance(work.preparation, Prepared)
            work.record = records.get(work.pair)
        return [work for work in alive if work.record is None]

    def _mark(self, spaces_revision: int) -> list[Work]:
        """Write the outcomes into the records, and return what turned out to be deleted."""
        deleted = []
        for work in tuple(self._open):
            if work.record is None or work.preparation is None:
                continue
            if work.is_overtaken(work.record):
                work.again, work.preparation = True, None
                continue
            try:
                result = self._mark_one(work, work.record, work.preparation, spaces_revision)
            except SpacesChanged:
                continue  # it stays open, and the next round brings it into the new space's index
            except RecordsContended as error:
                result = Result(Outcome.POSTPONED, str(error))
            if result is None:
                deleted.append(work)
            elif result.outcome is Outcome.INDEXED and self._was_replaced(work):
                work.again, work.preparation = True, None
            else:
                self._finish([work], result.outcome, result.reason)
        return deleted

    def _was_replaced(self, work: Work) -> bool:
        prepared = work.preparation
        return isinstance(prepared, Prepared) and self._preparer.was_replaced(work.key.format(), prepared)

    def _mark_one(
        self, work: Work, record: ImageRecord, preparation: Preparation, spaces_revision: int
    ) -> Result | None:
        """Mark one record, and return the result; None if the image was deleted."""
        if isinstance(preparation, Prepared):
            marked = self._images.mark_indexed(
                record,
                thumbnail_key=work.thumbnail_key,
                width=preparation.width,
                height=preparation.height,
                taken_at=preparation.taken_at,
                sequencer=work.sequencer,
                spaces_revision=spaces_revision,
                facts=preparation.facts,
            )
            return Result(Outcome.INDEXED) if marked else None
        reason = preparation.reason if isinstance(preparation, Refused) else ABSENT
        marked = self._images.mark_failed(
            record, reason, sequencer=work.sequencer, spaces_revision=spaces_revision
        )
        return Result(Outcome.FAILED, reason) if marked else None

    def _discard(self, works: Sequence[Work]) -> None:
        """Remove the objects of images that people deleted."""
        if works:
            self._objects.delete([key for work in works for key in (work.key.format(), work.thumbnail_key)])
            self._finish(works, Outcome.DELETED)

    def _finish(self, works: Sequence[Work], outcome: Outcome, reason: str | None = None) -> None:
        for work in tuple(works):
            self._results[work.key] = Result(outcome, reason)
            self._open.remove(work)
