"""Into which embedding spaces a folder's images go, and how far earlier ones are brought into a new one."""

from collections.abc import Iterator
from dataclasses import asdict

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from glimpse.records.folders import record_of
from glimpse.records.models import FolderModel
from glimpse.records.transactions import write_one
from glimpse.records.types import Backfill, FolderRecord, FolderStatus


class SpaceStore:
    """The embedding spaces of folders, in their items. Every method may raise RecordsContended."""

    def all_folders(self) -> Iterator[FolderRecord]:
        """Yield every folder, whatever its status, by consistent reads, a page at a time."""
        for model in FolderModel.scan(consistent_read=True):
            yield record_of(model)

    def adopt(self, folder_id: int, space_id: str) -> None:
        """Give its first space to a folder that an earlier version wrote, which knew of none."""
        actions: list[Action] = [
            FolderModel.index_versions.set({space_id: 0}),
            FolderModel.backfills.set({}),
            FolderModel.spaces_revision.set(1),
        ]
        _update(folder_id, actions, FolderModel.spaces_revision.does_not_exist())

    def add(self, folder: FolderRecord, space_id: str, at: int) -> bool:
        """Have an active folder's images go to a further space from now on, with a backfill of earlier ones.

        Parameters
        ----------
        folder
            As it was read.
        space_id
            The space.
        at
            The time, in seconds since 1970-01-01 UTC.

        Returns
        -------
        bool
            False if the folder is not active, has the space already, or got or lost another one since.
        """
        backfill = Backfill(since=folder.spaces_revision + 1, touched_at=at)
        actions: list[Action] = [
            FolderModel.index_versions[space_id].set(0),
            FolderModel.backfills[space_id].set(asdict(backfill)),
            FolderModel.spaces_revision.set(folder.spaces_revision + 1),
        ]
        condition = (
            (FolderModel.status == FolderStatus.ACTIVE.value)
            & (FolderModel.spaces_revision == folder.spaces_revision)
            & FolderModel.index_versions[space_id].does_not_exist()
        )
        return _update(folder.folder_id, actions, condition)

    def remove(self, folder_id: int, space_id: str) -> bool:
        """Have a folder's images not go to a space any more; False if they did not, or the folder is gone."""
        actions: list[Action] = [
            FolderModel.index_versions[space_id].remove(),
            FolderModel.backfills[space_id].remove(),
            FolderModel.spaces_revision.add(1),
        ]
        return _update(folder_id, actions, FolderModel.index_versions[space_id].exists())

    def claim(self, folder_id: int, space_id: str, seen: Backfill, upto: int, at: int) -> bool:
        """Note which images are taken up next, before they are; False if another run is further."""
        entry = FolderModel.backfills[space_id]
        actions: list[Action] = [entry["touched_at"].set(at)]
        if upto > seen.claimed:
            actions.append(entry["claimed"].set(upto))
        return _update(folder_id, actions, _is_where(seen, space_id))

    def advance(self, folder_id: int, space_id: str, seen: Backfill, following: Backfill) -> bool:
        """Store how far a backfill is; False if another run is further, or the folder has left the space."""
        entry = FolderModel.backfills[space_id]
        return _update(folder_id, [entry.set(asdict(following))], _is_where(seen, space_id))


def _is_where(seen: Backfill, space_id: str) -> Condition:
    """Return the condition that a backfill is where it was seen, and is still of the same change of model."""
    entry = FolderModel.backfills[space_id]
    same: Condition = (entry["cursor"] == seen.cursor) & (entry["since"] == seen.since)
    return same


def _update(folder_id: int, actions: list[Action], condition: Condition) -> bool:
    """Change a folder's item on a condition; False if that does not hold."""
    there = FolderModel.folder_id.exists()
    return write_one(lambda: FolderModel(folder_id).update(actions, condition=there & condition))
