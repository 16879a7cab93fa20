"""Folders in DynamoDB, as their owners manage them."""

from glimpse.generations import Generations, GenerationStore
from glimpse.generations.models import POINTER, DeploymentModel
from glimpse.records import FolderRecord, FolderStatus, FolderStore, transactions
from glimpse.records.models import FolderModel
from pynamodb.transactions import TransactWrite

from functions.api.storage.models import ACTIVE, FolderNameModel, UserModel


class _PointerMovedError(Exception):
    """The deployment's models changed between the read and the transaction."""


class OwnedFolderStore(FolderStore):
    """Folders with the names that keep them unique per owner."""

    def find(self, owner_id: int, folder_name: str) -> int | None:
        """Return the id of an owner's active folder by its name, with a consistent read."""
        try:
            return FolderNameModel.get(owner_id, folder_name, consistent_read=True).folder_id
        except FolderNameModel.DoesNotExist:
            return None

    def create(self, folder: FolderRecord) -> bool:
        """Write a folder and its name together; False if the name is taken or the owner is leaving.

        The folder is created with the current embedding spaces. A model change first changes the pointer, and
        then scans all folders. The transaction checks the pointer, so each folder either has all spaces, or
        exists early enough for the scan to find it.

        Raises
        ------
        NoModelChosen
            If there is no model yet.
        """
        for _ in transactions.attempts():
            try:
                return self._create(folder, GenerationStore().current())
            except _PointerMovedError:
                continue
        raise AssertionError("attempts() raises when the attempts are used up")

    def _create(self, folder: FolderRecord, now: Generations) -> bool:
        def fill(transaction: TransactWrite) -> None:
            transaction.condition_check(UserModel, folder.owner_id, condition=UserModel.status == ACTIVE)
            transaction.condition_check(
                DeploymentModel, POINTER, condition=DeploymentModel.revision == now.revision
            )
            transaction.save(
                FolderNameModel(folder.owner_id, folder.folder_name, folder_id=folder.folder_id),
                condition=FolderNameModel.folder_name.does_not_exist(),
            )
            transaction.save(
                FolderModel(
                    folder.folder_id,
                    owner_id=folder.owner_id,
                    folder_name=folder.folder_name,
                    status=folder.status.value,
                    created_at=folder.created_at,
                    index_versions=dict.fromkeys(now.spaces, 0),
                    spaces_revision=1,
                ),
                condition=FolderModel.folder_id.does_not_exist(),
            )

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed as error:
            owner_gone, pointer_moved, name_taken, _ = error.failed
            if owner_gone or name_taken:
                return False
            if pointer_moved:
                raise _PointerMovedError from error
            raise
        return True

    def owned_ids(self, owner_id: int) -> list[int]:
        """Return the ids of an owner's active folders in the order of their names, with consistent reads."""
        return [model.folder_id for model in FolderNameModel.query(owner_id, consistent_read=True)]

    def hide(self, folder: FolderRecord) -> None:
        """Mark a folder ERASING and free its name, in one transaction; a hidden one stays as it is."""

        def fill(transaction: TransactWrite) -> None:
            transaction.delete(
                FolderNameModel(folder.owner_id, folder.folder_name),
                condition=FolderNameModel.folder_id == folder.folder_id,
            )
            transaction.update(
                FolderModel(folder.folder_id),
                [FolderModel.status.set(FolderStatus.ERASING.value)],
                condition=FolderModel.status == FolderStatus.ACTIVE.value,
            )

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed:
            return  # someone else hid it first
