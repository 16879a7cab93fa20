"""Shares of folders in DynamoDB."""

from collections.abc import Iterable

from glimpse.records.models import ShareModel
from glimpse.records.transactions import write_one
from glimpse.records.types import Permission, ShareRecord


class ShareStore:
    """Stores which folders are shared with whom."""

    def create(self, share: ShareRecord) -> bool:
        """Write a share; return False, and change nothing, if the folder is already shared with that user."""
        model = ShareModel(
            share.folder_id,
            share.user_id,
            share_id=share.share_id,
            permission=share.permission.value,
            shared_at=share.shared_at,
        )
        return write_one(lambda: model.save(condition=ShareModel.user_id.does_not_exist()))

    def of_folder(self, folder_id: int) -> list[ShareRecord]:
        """Return a folder's shares, by consistent reads."""
        return [_record(model) for model in ShareModel.query(folder_id, consistent_read=True)]

    def with_user(self, user_id: int) -> list[ShareRecord]:
        """Return the shares that a user has received. The index is eventually consistent."""
        return [_record(model) for model in ShareModel.by_user.query(user_id)]

    def delete(self, shares: Iterable[ShareRecord]) -> None:
        """Delete shares; those that don't exist are ignored."""
        with ShareModel.batch_write() as batch:
            for share in shares:
                batch.delete(ShareModel(share.folder_id, share.user_id))


def _record(model: ShareModel) -> ShareRecord:
    return ShareRecord(
        folder_id=model.folder_id,
        user_id=model.user_id,
        share_id=model.share_id,
        permission=Permission(model.permission),
        shared_at=model.shared_at,
    )
