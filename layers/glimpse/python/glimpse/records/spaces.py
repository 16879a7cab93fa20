"""A folder's embedding spaces, and the backfill of its earlier images into a new space."""

from collections.abc import Iterator
from dataclasses import asdict

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from glimpse.records.folders import record_of
from glimpse.records.models import FolderModel
from glimpse.records.transactions import write_one
from glimpse.records.types import Backfill, FolderRecord, FolderStatus


class SpaceStore:
    """Stores the embedding spaces of folders, in their items. Every method may raise RecordsContended."""

    def all_folders(self) -> Iterator[FolderRecord]:
        """Yield every folder in any status, by consistent reads, page by page."""
        for model in FolderModel.scan(consistent_read=True):
            yield record_of(model)

    def adopt(self, folder_id: int, space_id: str) -> None:
        """Assign its first space to a folder that an earlier version wrote without spaces."""
        actions: list[Action] = [
            FolderModel.index_versions.set({space_id: 0}),
            FolderModel.backfills.set({}),
            FolderModel.spaces_revision.set(1),
        ]
        _update(folder_id, actions, FolderModel.spaces_revision.does_not_exist())

    def add(self, folder: FolderRecord, space_id: str, at: int) -> bool:
        """Add a space to an active folder from now on, with a backfill for its earlier images.

        Parameters
        ----------
        folder
            The folder, as it was read.
        space_id
            The space.
        at
            The current time, in seconds since 1970-01-01 UTC.

        Returns
        -------
        bool
            False if the folder is not active, already has the space, or its spaces have changed since.
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
        """Remove a space from a folder; return False if the folder does not have it, or is gone."""
        actions: list[Action] = [
            FolderModel.index_versions[space_id].remove(),
            FolderModel.backfills[space_id].remove(),
            FolderModel.spaces_revision.add(1),
        ]
        return _update(folder_id, actions, FolderModel.index_versions[space_id].exists())

    def claim(self, folder_id: int, space_id: str, seen: Backfill, upto: int, at: int) -> bool:
        """Record which images are processed next, before they are; return False if another run is ahead."""
        entry = FolderModel.backfills[space_id]
        actions: list[Action] = [entry["touched_at"].set(at)]
        if upto > seen.claimed:
            actions.append(entry["claimed"].set(upto))
        return _update(folder_id, actions, _is_where(seen, space_id))

    def advance(self, folder_id: int, space_id: str, seen: Backfill, following: Backfill) -> bool:
        """Store a backfill's progress; return False if another run is ahead, or the folder left the space."""
        entry = FolderModel.backfills[space_id]
        return _update(folder_id, [entry.set(asdict(following))], _is_where(seen, space_id))


def _is_where(seen: Backfill, space_id: str) -> Condition:
    """Return the condition that a backfill's cursor, and its change of model, are still the same."""
    entry = FolderModel.backfills[space_id]
    same: Condition = (entry["cursor"] == seen.cursor) & (entry["since"] == seen.since)
    return same


def _update(folder_id: int, actions: list[Action], condition: Condition) -> bool:
    """Update a folder's item on a condition; return False if it does not hold."""
    there = FolderModel.folder_id.exists()
    return write_one(lambda: FolderModel(folder_id).update(actions, condition=there & condition))
