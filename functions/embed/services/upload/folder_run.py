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
from functions.embed.services.upload.events import UploadOutcome, UploadResult
from functions.embed.services.upload.uploaded_object import UploadedObject
from functions.embed.storage.objects import ImagesBucket

_logger = logging.getLogger(__name__)


class FolderRun:
    """Takes objects of one folder from their events to their results.

    Parameters
    ----------
    user_id, folder_id
        The folder.
    uploads
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
        uploads: Iterable[UploadedObject],
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
        self._open = list(uploads)
        self._images = images
        self._objects = objects
        self._folders = folders
        self._encoders = encoders
        self._preparer = preparer
        self._ingest = ingest
        self._namespace = namespace
        self._results: dict[UploadKey, UploadResult] = {}
        self.failure: Exception | None = None

    def run(self) -> dict[UploadKey, UploadResult]:
        """Return what became of each object: POSTPONED if it was not finished; `failure` may say why."""
        reason = "the index, or the images, kept changing"
        try:
            for _ in range(ROUNDS):
                if self._open:
                    self._round()
        except Exception as error:  # whatever it is: what is finished stays so, and other folders go on
            _logger.exception("the uploads of folder %d were not finished", self._folder_id)
            self.failure, reason = error, f"{type(error).__name__}: {error}"
        self._finish(self._open, UploadOutcome.POSTPONED, reason)
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
            return [upload.key.image_id for upload in deleted if upload.may_be_indexed]

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

    def _read_records(self) -> list[UploadedObject]:
        """Finish what the records settle, and return what was deleted."""
        records = self._images.get_many({upload.pair for upload in self._open})
        for upload in tuple(self._open):
            upload.record = record = records.get(upload.pair)
            if record is None:
                continue
            if record.key != upload.key.format():
                self._finish([upload], UploadOutcome.FOREIGN, "the record of this image names another object")
            elif not upload.again and upload.is_settled(record) and not upload.may_be_outdated(record):
                self._finish([upload], UploadOutcome.KNOWN)
            elif upload.is_overtaken(record):
                upload.again, upload.sequencer = True, record.sequencer or ""
        return [upload for upload in self._open if upload.record is None]

    def _prepare(self, encoders: Mapping[str, Encoder]) -> None:
        waiting = [upload for upload in self._open if upload.record and not upload.is_prepared_for(encoders)]
        sources = [Source(upload.key.format(), upload.thumbnail_key) for upload in waiting]
        for upload, preparation in zip(waiting, self._preparer.prepare(sources, encoders), strict=True):
            upload.preparation = preparation
            if isinstance(preparation, Postponed):
                self._finish([upload], UploadOutcome.POSTPONED, preparation.error)

    def _change(self) -> tuple[dict[int, Prepared], list[int]]:
        """Return the pictures to bring into the indexes, and the images whose earlier vectors go."""
        alive = [upload for upload in self._open if upload.record]
        ready = {
            upload.key.image_id: upload.preparation
            for upload in alive
            if isinstance(upload.preparation, Prepared)
        }
        replaced = [upload.key.image_id for upload in alive if upload.has_vector]
        for upload in alive:
            # From the first of the commits on there may be a vector in one of the indexes.
            upload.may_be_indexed |= isinstance(upload.preparation, Prepared)
        return ready, replaced

    def _read_again(self) -> list[UploadedObject]:
        """Note that the indexes agree with what was prepared, and return what was deleted meanwhile."""
        alive = [upload for upload in self._open if upload.record]
        records = self._images.get_many({upload.pair for upload in alive})
        for upload in alive:
            upload.may_be_indexed = isinstance(upload.preparation, Prepared)
            upload.record = records.get(upload.pair)
        return [upload for upload in alive if upload.record is None]

    def _mark(self, spaces_revision: int) -> list[UploadedObject]:
        """Write the outcomes into the records, and return what turned out to be deleted."""
        deleted = []
        for upload in tuple(self._open):
            if upload.record is None or upload.preparation is None:
                continue
            if upload.is_overtaken(upload.record):
                upload.again, upload.preparation = True, None
                continue
            try:
                result = self._mark_one(upload, upload.record, upload.preparation, spaces_revision)
            except SpacesChanged:
                continue  # it stays open, and the next round brings it into the new space's index
            except RecordsContended as error:
                result = UploadResult(UploadOutcome.POSTPONED, str(error))
            if result is None:
                deleted.append(upload)
            elif result.outcome is UploadOutcome.INDEXED and self._was_replaced(upload):
                upload.again, upload.preparation = True, None
            else:
                self._finish([upload], result.outcome, result.reason)
        return deleted

    def _was_replaced(self, upload: UploadedObject) -> bool:
        prepared = upload.preparation
        return isinstance(prepared, Prepared) and self._preparer.was_replaced(upload.key.format(), prepared)

    def _mark_one(
        self, upload: UploadedObject, record: ImageRecord, preparation: Preparation, spaces_revision: int
    ) -> UploadResult | None:
        """Mark one record, and return the result; None if the image was deleted."""
        if isinstance(preparation, Prepared):
            marked = self._images.mark_indexed(
                record,
                thumbnail_key=upload.thumbnail_key,
                width=preparation.width,
                height=preparation.height,
                taken_at=preparation.taken_at,
                sequencer=upload.sequencer,
                spaces_revision=spaces_revision,
                facts=preparation.facts,
            )
            return UploadResult(UploadOutcome.INDEXED) if marked else None
        reason = preparation.reason if isinstance(preparation, Refused) else ABSENT
        marked = self._images.mark_failed(
            record, reason, sequencer=upload.sequencer, spaces_revision=spaces_revision
        )
        return UploadResult(UploadOutcome.FAILED, reason) if marked else None

    def _discard(self, uploads: Sequence[UploadedObject]) -> None:
        """Remove the objects of images that people deleted."""
        if uploads:
            self._objects.delete(
                [key for upload in uploads for key in (upload.key.format(), upload.thumbnail_key)]
            )
            self._finish(uploads, UploadOutcome.DELETED)

    def _finish(
        self, uploads: Sequence[UploadedObject], outcome: UploadOutcome, reason: str | None = None
    ) -> None:
        for upload in tuple(uploads):
            self._results[upload.key] = UploadResult(outcome, reason)
            self._open.remove(upload)
