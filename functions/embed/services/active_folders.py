"""Folders to which images may still be brought."""

from dataclasses import dataclass

from glimpse.records import FolderRecord, FolderStatus, FolderStore, SpaceStore

from functions.embed.services.embedding.encoders import Encoders


@dataclass(frozen=True, slots=True)
class ActiveFolders:
    """Reads folders that are not being erased, each with the spaces that its images go to.

    Attributes
    ----------
    folders, spaces
        Where their records are.
    encoders
        Say which space is the active one.
    """

    folders: FolderStore
    spaces: SpaceStore
    encoders: Encoders

    def get(self, folder_id: int) -> FolderRecord | None:
        """Return a folder that is not being erased, or None; one of an earlier version gets its space."""
        folder = self._active(folder_id)
        if folder is not None and not folder.spaces_revision:
            self.spaces.adopt(folder_id, next(iter(self.encoders.of_current())))
            folder = self._active(folder_id)
        return folder

    def _active(self, folder_id: int) -> FolderRecord | None:
        folder = self.folders.get(folder_id)
        return folder if folder is not None and folder.status is FolderStatus.ACTIVE else None
