"""Folder records: the operations that more than one function needs."""

from collections.abc import Iterable

from glimpse.records.models import FolderModel
from glimpse.records.transactions import write_one
from glimpse.records.types import Backfill, FolderRecord, FolderStatus, FolderStillActive


class FolderStore:
    """Folders in DynamoDB."""

    def get(self, folder_id: int) -> FolderRecord | None:
        """Return a folder's record in any status, by a consistent read."""
        try:
            return record_of(FolderModel.get(folder_id, consistent_read=True))
        except FolderModel.DoesNotExist:
            return None

    def get_many(self, folder_ids: Iterable[int]) -> dict[int, FolderRecord]:
        """Return the existing records in any status, by id, by consistent reads."""
        records = map(record_of, FolderModel.batch_get(list(folder_ids), consistent_read=True))
        return {record.folder_id: record for record in records}

    def raise_index_version(
        self, folder_id: int, space_id: str, version: int, *, owner_id: int | None = None
    ) -> None:
        """Raise the recorded version of a folder's index in a space to `version`.

        Nothing changes if the folder already has a newer version, has left the space or is gone, or if
        `owner_id` is given and is not its owner.

        Raises
        ------
        RecordsContended
            If transactions kept locking the folder.
        """
        known = FolderModel.index_versions[space_id]
        is_older = known < version
        if owner_id is not None:
            is_older &= FolderModel.owner_id == owner_id
        write_one(lambda: FolderModel(folder_id).update([known.set(version)], condition=is_older))

    def forget(self, folder_id: int) -> None:
        """Remove the record of an erased folder, if it exists.

        Raises
        ------
        FolderStillActive
            If the folder is not being erased.
        RecordsContended
            If transactions kept locking the folder.
        """
        hidden = FolderModel.folder_id.does_not_exist() | (FolderModel.status == FolderStatus.ERASING.value)
        if not write_one(lambda: FolderModel(folder_id).delete(condition=hidden)):
            raise FolderStillActive(f"folder {folder_id} is still active, so its record is kept")


def record_of(model: FolderModel) -> FolderRecord:
    """Return a stored item as a plain value."""
    versions = model.index_versions.as_dict()  # type: ignore[no-untyped-call]
    backfills = model.backfills.as_dict()  # type: ignore[no-untyped-call]
    return FolderRecord(
        folder_id=model.folder_id,
        owner_id=model.owner_id,
        folder_name=model.folder_name,
        created_at=model.created_at,
        status=FolderStatus(model.status),
        index_versions={space_id: int(version) for space_id, version in versions.items()},
        spaces_revision=model.spaces_revision,
        backfills={space_id: Backfill(**fields) for space_id, fields in backfills.items()},
        image_count=model.image_count,
        is_public=model.is_public,
        description=model.description,
    )
