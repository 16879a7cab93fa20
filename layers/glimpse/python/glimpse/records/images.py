"""Image records: written before the object, finished once, counted once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from glimpse.records import transactions
from glimpse.records.models import IS_NOTE, FolderModel, ImageModel, JobModel
from glimpse.records.types import (
    FileFacts,
    FolderGone,
    FolderStatus,
    ImageRecord,
    ImageStatus,
    RecordsContended,
    SpacesChanged,
)

PUTS_PER_TRANSACTION = 99  # DynamoDB allows 100 items, and one is the check that the folder is active
MAX_REASON_CHARACTERS = 300
NO_FACTS = FileFacts()
_FINISH_ATTEMPTS = 5


def is_newer(candidate: str, stored: str | None) -> bool:
    """Tell whether an S3 event is newer than the one that a record's status is based on.

    Sequencers of a key are hexadecimal strings. Padded on the right to the same length, the later one
    compares greater (Amazon S3 User Guide, "Event message structure").
    """
    if stored is None:
        return True
    width = max(len(candidate), len(stored))
    return candidate.upper().ljust(width, "0") > stored.upper().ljust(width, "0")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The outcome of processing an image."""

    status: ImageStatus
    sequencer: str
    reason: str | None = None
    thumbnail_key: str | None = None
    width: int | None = None
    height: int | None = None
    taken_at: int | None = None
    spaces_revision: int | None = None
    facts: FileFacts = NO_FACTS


class ImageStore:
    """Images in DynamoDB, with the counts of their jobs and folders."""

    def get(self, folder_id: int, image_id: int) -> ImageRecord | None:
        """Return an image's record by a consistent read."""
        try:
            return _record(ImageModel.get(folder_id, image_id, consistent_read=True))
        except ImageModel.DoesNotExist:
            return None

    def get_many(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], ImageRecord]:
        """Return the existing records by (folder_id, image_id), by consistent reads."""
        records = map(_record, ImageModel.batch_get(list(pairs), consistent_read=True))
        return {(record.folder_id, record.image_id): record for record in records}

    def put_pending(self, records: Sequence[ImageRecord]) -> None:
        """Write new records of one folder. Those that are FAILED already are counted in their job already.

        Raises
        ------
        FolderGone
            If the folder is not active. Records of an earlier transaction may remain; erasing removes them.
        RecordsContended
            If others kept changing the folder.
        """
        for start in range(0, len(records), PUTS_PER_TRANSACTION):
            self._put(records[start : start + PUTS_PER_TRANSACTION])

    def _put(self, records: Sequence[ImageRecord]) -> None:
        folder_id = records[0].folder_id

        def fill(transaction: TransactWrite) -> None:
            transaction.condition_check(
                FolderModel, folder_id, condition=FolderModel.status == FolderStatus.ACTIVE.value
            )
            for record in records:
                transaction.save(_model(record), condition=ImageModel.image_id.does_not_exist())

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed as error:
            if not error.failed[0]:
                raise
            raise FolderGone(f"folder {folder_id} is not active") from error

    def mark_indexed(
        self,
        record: ImageRecord,
        *,
        thumbnail_key: str,
        width: int,
        height: int,
        taken_at: int,
        sequencer: str,
        spaces_revision: int | None = None,
        facts: FileFacts = NO_FACTS,
    ) -> bool:
        """Mark an image INDEXED and count it, in one transaction.

        The job counts an image when it leaves PENDING, and the folder counts the INDEXED ones, so a replaced
        image counts once. An event that is older than the record's changes nothing, nor does an outcome that
        has been recorded in the meantime. `spaces_revision` is the folder's, read before the commits, which
        went to all its spaces. If the spaces have changed since, nothing is written.

        Returns
        -------
        bool
            False if the record is gone or its folder is no longer active: the vector must be removed again.

        Raises
        ------
        SpacesChanged
            If the folder's spaces have changed in the meantime.
        RecordsContended
            If others kept changing the same records; nothing was written.
        """
        return self._finish(
            record,
            _Outcome(
                ImageStatus.INDEXED,
                sequencer,
                None,
                thumbnail_key,
                width,
                height,
                taken_at,
                spaces_revision,
                facts,
            ),
        )

    def mark_failed(
        self, record: ImageRecord, reason: str, *, sequencer: str, spaces_revision: int | None = None
    ) -> bool:
        """Mark an image FAILED, with a reason for people, and count it, in one transaction.

        Returns and raises like :meth:`mark_indexed`. `reason` is truncated to 300 characters.
        """
        reason = reason[:MAX_REASON_CHARACTERS]
        return self._finish(
            record, _Outcome(ImageStatus.FAILED, sequencer, reason, spaces_revision=spaces_revision)
        )

    def _finish(self, record: ImageRecord, outcome: _Outcome) -> bool:
        if record.sequencer is not None and is_newer(record.sequencer, outcome.sequencer):
            return self.get(record.folder_id, record.image_id) is not None
        count_job = True
        for _ in range(_FINISH_ATTEMPTS):
            try:
                _write_outcome(record, outcome, count_job=count_job)
            except transactions.ConditionsFailed as error:
                image_changed, job_gone, folder_gone = _failed_by_table(error, count_job=count_job)
                if folder_gone and not _is_active(record.folder_id, outcome.spaces_revision):
                    return False
                if image_changed:
                    stored = self.get(record.folder_id, record.image_id)
                    if stored is None:
                        return False
                    if stored.status != ImageStatus.PENDING and not is_newer(
                        outcome.sequencer, stored.sequencer
                    ):
                        return True
                    record = stored
                if job_gone:
                    count_job = False  # jobs expire after 30 days; the image outlives its job
            else:
                return True
        raise RecordsContended(
            f"image {record.image_id} of folder {record.folder_id} kept changing while it was marked"
        )

    def list_folder(self, folder_id: int, *, after: int = 0) -> Iterator[ImageRecord]:
        """Yield a folder's records with ids above `after`, in order, by consistent reads, page by page."""
        later = ImageModel.image_id > after
        for model in ImageModel.query(folder_id, later, consistent_read=True):
            yield _record(model)

    def delete(self, folder_id: int, image_ids: Iterable[int]) -> None:
        """Remove records that exist. Counts are not updated, since this is for erasing a whole folder."""
        with ImageModel.batch_write() as batch:
            for image_id in image_ids:
                batch.delete(ImageModel(folder_id, image_id))


def _write_outcome(record: ImageRecord, outcome: _Outcome, *, count_job: bool) -> None:
    """Write an outcome and its counts, on the condition that `record` is still current."""
    folder_delta = (outcome.status == ImageStatus.INDEXED) - (record.status == ImageStatus.INDEXED)
    condition = (ImageModel.status == record.status.value) & (
        ImageModel.sequencer.does_not_exist()
        if record.sequencer is None
        else ImageModel.sequencer == record.sequencer
    )
    folder_actions: list[Action] = [FolderModel.image_count.add(folder_delta)]
    # Always check the folder, even if its count stays the same: one that is being erased accepts no outcome.
    folder_condition = FolderModel.status == FolderStatus.ACTIVE.value
    if outcome.spaces_revision is not None:
        folder_condition &= FolderModel.spaces_revision == outcome.spaces_revision

    def fill(transaction: TransactWrite) -> None:
        transaction.update(
            ImageModel(record.folder_id, record.image_id), _image_actions(outcome), condition=condition
        )
        transaction.update(FolderModel(record.folder_id), folder_actions, condition=folder_condition)
        if count_job:
            transaction.update(
                JobModel(record.job_id),
                _job_actions(record, outcome),
                condition=JobModel.job_id.exists(),
            )

    transactions.write(fill)


def _is_active(folder_id: int, spaces_revision: int | None) -> bool:
    """Tell whether a folder whose condition failed is active; raises SpacesChanged if its spaces changed."""
    try:
        folder = FolderModel.get(folder_id, consistent_read=True)
    except FolderModel.DoesNotExist:
        return False
    if folder.status != FolderStatus.ACTIVE.value:
        return False
    if spaces_revision is not None and folder.spaces_revision != spaces_revision:
        raise SpacesChanged(
            f"the spaces of folder {folder_id} have changed: revision {folder.spaces_revision}"
        )
    return True  # its condition would hold now: try again


def _failed_by_table(error: transactions.ConditionsFailed, *, count_job: bool) -> tuple[bool, bool, bool]:
    """Return which of image, job and folder failed their conditions; the order is `_write_outcome`'s."""
    image, folder, *job = error.failed
    return image, count_job and job[0], folder


def _image_actions(outcome: _Outcome) -> list[Action]:
    values: list[tuple[Attribute[Any], object]] = [
        (ImageModel.status, outcome.status.value),
        (ImageModel.sequencer, outcome.sequencer),
        (ImageModel.reason, outcome.reason),
        (ImageModel.thumbnail_key, outcome.thumbnail_key),
        (ImageModel.width, outcome.width),
        (ImageModel.height, outcome.height),
        (ImageModel.taken_at, outcome.taken_at),
        (ImageModel.spaces_revision, outcome.spaces_revision),
        (ImageModel.taken_local, outcome.facts.taken_local),
        (ImageModel.taken_guessed, outcome.facts.taken_guessed or None),
        (ImageModel.note, outcome.facts.note),
    ]
    if outcome.facts.content_type is not None:
        values.append((ImageModel.content_type, outcome.facts.content_type))
    return [attribute.remove() if value is None else attribute.set(value) for attribute, value in values]


def _job_actions(record: ImageRecord, outcome: _Outcome) -> list[Action]:
    entry = JobModel.failures[str(record.image_id)]
    actions: list[Action] = [JobModel.processed_images.add(1 if record.status == ImageStatus.PENDING else 0)]
    if outcome.status == ImageStatus.FAILED:
        actions.append(entry.set({"name": record.name, "reason": outcome.reason}))
    elif outcome.facts.note is not None:
        actions.append(entry.set({"name": record.name, "reason": outcome.facts.note, IS_NOTE: True}))
    else:
        actions.append(entry.remove())
    return actions


_FIELDS = (
    "folder_id", "image_id", "owner_id", "job_id", "name", "key", "content_type", "size", "created_at",
    "reason", "thumbnail_key", "width", "height", "taken_at", "sequencer",
    "spaces_revision", "taken_local", "note",
)  # fmt: skip


def _model(record: ImageRecord) -> ImageModel:
    values = {field: getattr(record, field) for field in _FIELDS}
    return ImageModel(status=record.status.value, taken_guessed=record.taken_guessed or None, **values)


def _record(model: ImageModel) -> ImageRecord:
    values = {field: getattr(model, field) for field in _FIELDS}
    return ImageRecord(status=ImageStatus(model.status), taken_guessed=bool(model.taken_guessed), **values)
