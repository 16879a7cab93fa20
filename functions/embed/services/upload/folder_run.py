"""The uploads of one folder become part of its index, whatever crashes, repeats or reorders.

Every step below can be the last one before a crash, and a redelivery repeats it without harm:

1. Ask to which embedding spaces the folder's images go. Begin an attempt in the index of each, which reads
   its epoch, and only then ask whether the folder is still there, with the same spaces. Whoever erases a
   folder hides it first and raises the epochs afterwards: if the folder was seen alive after the epoch was
   read, and is erased before the commit, then the commit loses.
2. Prepare the objects that their records call for, and put the renditions.
3. Commit to every index: the new vectors in, those of replaced images out; then store the folder's version.
4. Read the records again: what was deleted meanwhile is taken back.
5. Mark the records, which counts the job: from then on it may look done, and a search has to find its images.
   This needs the spaces to be those of step 1; where another one came, it is another round.
6. Ask whether the objects are still those that were embedded. If one was replaced, its newer event may have
   been dealt with between steps 2 and 3, and the older picture's vector was committed last: another round.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from glimpse.index import Attempt, EpochChanged, IndexKey
from glimpse.keys import UploadKey, thumbnail_key
from glimpse.records import (
    FolderRecord,
    ImageRecord,
    ImageStatus,
    RecordsContended,
    SpacesChanged,
    is_newer,
)

from functions.embed.services.embedding.preparing import (
    ABSENT,
    Postponed,
    Preparation,
    Prepared,
    Refused,
    Source,
)
from functions.embed.services.ports import Encoder
from functions.embed.services.work import Outcome, Result, Tools, vectors

_ROUNDS = 6
"""How many deletions of the index, replacements of an image or changes of model one delivery follows."""

Attempts = Mapping[str, Attempt]
"""The changes under way, by embedding space."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Work:
    """One object on its way.

    Attributes
    ----------
    key, sequencer
        The object, and the event that tells of it.
    may_be_indexed
        Whether a commit may have put a vector of this image into the index already.
    again
        Whether to go on although the record says that this event is done with: the object was replaced.
    record, preparation
        As far as they are known.
    """

    key: UploadKey
    sequencer: str
    may_be_indexed: bool = False
    again: bool = False
    record: ImageRecord | None = None
    preparation: Preparation | None = None

    @property
    def pair(self) -> tuple[int, int]:
        """Folder and image, by which records are read."""
        return self.key.folder_id, self.key.image_id

    def is_prepared_for(self, space_ids: Iterable[str]) -> bool:
        """Tell whether nothing is left to prepare for these spaces."""
        if isinstance(self.preparation, Prepared):
            return set(space_ids) <= self.preparation.vectors.keys()
        return self.preparation is not None

    @property
    def thumbnail_key(self) -> str:
        """Where the rendition lies."""
        return thumbnail_key(self.key.user_id, self.key.folder_id, self.key.image_id)


class FolderRun:
    """Takes objects of one folder from their events to their results.

    Parameters
    ----------
    tools
        Storage, indexes and encoders.
    user_id, folder_id
        The folder.
    works
        The objects. They stay open until they have a result.
    """

    def __init__(self, tools: Tools, user_id: int, folder_id: int, works: Iterable[Work]) -> None:
        self._tools = tools
        self._user_id = user_id
        self._folder_id = folder_id
        self._open = list(works)
        self._results: dict[UploadKey, Result] = {}
        self.failure: Exception | None = None

    def run(self) -> dict[UploadKey, Result]:
        """Return what became of each object: POSTPONED if it was not finished; `failure` may say why."""
        reason = "the index, or the images, kept changing"
        try:
            for _ in range(_ROUNDS):
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
        encoders = self._tools.encoders.of(folder.index_versions)
        attempts = {
            space_id: self._tools.writer.begin(self._index(space_id), folder.index_versions[space_id])
            for space_id in encoders
        }
        again = self._alive()
        if again is None or again.spaces_revision != folder.spaces_revision:
            return  # in the first case, everything is finished
        deleted = self._read_records()
        self._prepare(encoders)
        try:
            self._commit(attempts)
        except EpochChanged:
            return  # only the index was deleted, or the folder too: the next round sees which
        deleted += self._read_again()
        deleted += self._mark(folder.spaces_revision)
        self._take_back(attempts, deleted)

    def _alive(self) -> FolderRecord | None:
        """Return the folder with its spaces; discard everything if it is gone."""
        folder = self._tools.folder_with_spaces(self._folder_id)
        if folder is None:
            self._discard(self._open)
        return folder

    def _index(self, space_id: str) -> IndexKey:
        return IndexKey(self._tools.namespace, space_id, self._user_id, self._folder_id)

    def _read_records(self) -> list[Work]:
        """Finish what the records settle, and return what was deleted."""
        records = self._tools.images.get_many({work.pair for work in self._open})
        for work in tuple(self._open):
            work.record = record = records.get(work.pair)
            if record is None:
                continue
            if record.key != work.key.format():
                self._finish([work], Outcome.FOREIGN, "the record of this image names another object")
            elif (
                not work.again and _is_settled(record, work.sequencer) and not _may_be_outdated(work, record)
            ):
                self._finish([work], Outcome.KNOWN)
            elif _is_overtaken(record, work.sequencer):
                work.again, work.sequencer = True, record.sequencer or ""
        return [work for work in self._open if work.record is None]

    def _prepare(self, encoders: Mapping[str, Encoder]) -> None:
        waiting = [work for work in self._open if work.record and not work.is_prepared_for(encoders)]
        sources = [Source(work.key.format(), work.thumbnail_key) for work in waiting]
        for work, preparation in zip(waiting, self._tools.prepare(sources, encoders), strict=True):
            work.preparation = preparation
            if isinstance(preparation, Postponed):
                self._finish([work], Outcome.POSTPONED, preparation.error)

    def _commit(self, attempts: Attempts) -> None:
        """Make the indexes agree with what was prepared, and tell the folder their versions."""
        alive = [work for work in self._open if work.record]
        ready = {
            work.key.image_id: work.preparation for work in alive if isinstance(work.preparation, Prepared)
        }
        removed = [work.key.image_id for work in alive if _has_vector(work)]
        if not ready and not removed:
            return
        for work in alive:
            # From the first of the commits on there may be a vector in one of the indexes.
            work.may_be_indexed |= isinstance(work.preparation, Prepared)
        for space_id, attempt in attempts.items():
            self._change(space_id, attempt, ready, removed)
        for work in alive:
            work.may_be_indexed = isinstance(work.preparation, Prepared)

    def _change(
        self, space_id: str, attempt: Attempt, ready: Mapping[int, Prepared], removed: Sequence[int]
    ) -> None:
        commit = self._tools.commit(attempt, vectors(ready, space_id), removed)
        self._tools.folders.raise_index_version(self._folder_id, space_id, commit.version)

    def _read_again(self) -> list[Work]:
        """Return what was deleted during the commit."""
        alive = [work for work in self._open if work.record]
        records = self._tools.images.get_many({work.pair for work in alive})
        for work in alive:
            work.record = records.get(work.pair)
        return [work for work in alive if work.record is None]

    def _mark(self, spaces_revision: int) -> list[Work]:
        """Write the outcomes into the records, and return what turned out to be deleted."""
        deleted = []
        for work in tuple(self._open):
            if work.record is None or work.preparation is None:
                continue
            if _is_overtaken(work.record, work.sequencer):
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
        return isinstance(prepared, Prepared) and self._tools.objects.etag(work.key.format()) != prepared.etag

    def _mark_one(
        self, work: Work, record: ImageRecord, preparation: Preparation, spaces_revision: int
    ) -> Result | None:
        """Mark one record, and return the result; None if the image was deleted."""
        if isinstance(preparation, Prepared):
            marked = self._tools.images.mark_indexed(
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
        marked = self._tools.images.mark_failed(
            record, reason, sequencer=work.sequencer, spaces_revision=spaces_revision
        )
        return Result(Outcome.FAILED, reason) if marked else None

    def _take_back(self, attempts: Attempts, deleted: Sequence[Work]) -> None:
        """Remove vectors and objects of images that people deleted."""
        image_ids = [work.key.image_id for work in deleted if work.may_be_indexed]
        if image_ids:
            for space_id, attempt in attempts.items():
                with suppress(EpochChanged):  # the index was deleted, and their vectors with it
                    self._change(space_id, attempt, {}, image_ids)
        self._discard(deleted)

    def _discard(self, works: Sequence[Work]) -> None:
        if works:
            self._tools.objects.delete(
                [key for work in works for key in (work.key.format(), work.thumbnail_key)]
            )
            self._finish(works, Outcome.DELETED)

    def _finish(self, works: Sequence[Work], outcome: Outcome, reason: str | None = None) -> None:
        for work in tuple(works):
            self._results[work.key] = Result(outcome, reason)
            self._open.remove(work)


def _is_settled(record: ImageRecord, sequencer: str) -> bool:
    return record.status is not ImageStatus.PENDING and not is_newer(sequencer, record.sequencer)


def _is_overtaken(record: ImageRecord, sequencer: str) -> bool:
    return record.sequencer is not None and is_newer(record.sequencer, sequencer)


def _may_be_outdated(work: Work, record: ImageRecord) -> bool:
    """Tell whether a worker may have died between its commit of an older picture and its mark.

    A newer event's worker knew nothing of that vector and left it beside its own: what the object holds now
    has to take the place of both.
    """
    return work.may_be_indexed and _is_overtaken(record, work.sequencer)


def _has_vector(work: Work) -> bool:
    # A FAILED one may have been given up between its commit and its mark.
    return work.may_be_indexed or (work.record is not None and work.record.status is not ImageStatus.PENDING)
