"""Folders: listing those that a user sees, creating them by name, erasing them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from glimpse.records import FolderRecord, FolderStatus

from functions.api.services.errors import NoAccess, Unavailable
from functions.api.services.names import can_be_stored, clean_folder_name, spelled
from functions.api.services.ports import (
    Counter,
    Counters,
    EraseQueue,
    FolderRepository,
    ShareRepository,
    User,
)

_CREATE_ATTEMPTS = 3
_ERASED_TOGETHER = 8  # each waits for a message and a transaction; a thousand must fit into one request
NO_ACCESS = "You have no access to this folder."


class FolderRole(StrEnum):
    """What a user may do with a folder."""

    OWNER = "owner"
    EDIT = "edit"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class VisibleFolder:
    """A folder as one user sees it; `shared_at` is set for somebody else's folder."""

    record: FolderRecord
    owner_username: str
    permission: FolderRole
    shared_at: datetime | None = None

    @property
    def is_owner(self) -> bool:
        """Whether the folder is the user's own."""
        return self.permission is FolderRole.OWNER


class FolderService:
    """The folders of one user at a time."""

    def __init__(
        self,
        folders: FolderRepository,
        shares: ShareRepository,
        counters: Counters,
        maintenance: EraseQueue,
        clock: Callable[[], datetime],
    ) -> None:
        self._folders = folders
        self._shares = shares
        self._counters = counters
        self._maintenance = maintenance
        self._clock = clock

    def visible(self, user: User) -> list[VisibleFolder]:
        """Return every folder that the user can see, by name."""
        records = self._folders.get_many(self._folders.owned_ids(user.user_id)).values()
        return [
            VisibleFolder(record, user.username, FolderRole.OWNER)
            for record in sorted(
                records, key=lambda record: (record.folder_name.casefold(), record.folder_id)
            )
            if record.status is FolderStatus.ACTIVE
        ]

    def may_add_to(self, user: User, folder_id: int) -> FolderRecord:
        """Return a folder that the user may upload to.

        Raises
        ------
        NoAccess
            If the user has no such folder, for any reason.
        """
        record = self._folders.get_many([folder_id]).get(folder_id)
        if record is None or record.owner_id != user.user_id or record.status is not FolderStatus.ACTIVE:
            raise NoAccess(NO_ACCESS)
        return record

    def open_by_name(self, user: User, folder_name: str) -> int:
        """Return the id of the user's folder of this name; create it if there is none.

        Raises
        ------
        Unusable
            If there is no such folder, and the name is too long, invisible, or has control characters.
        Unavailable
            If others keep creating and erasing a folder of this name, or the account is deleted in the
            meantime.
        """
        name = spelled(folder_name)
        for _ in range(_CREATE_ATTEMPTS):
            found = self._folders.find(user.user_id, name) if can_be_stored(name) else None
            if found is not None:
                return found
            name = clean_folder_name(folder_name)  # folders from older versions may break this rule
            folder = FolderRecord(
                folder_id=self._counters.reserve(Counter.FOLDERS)[0],
                owner_id=user.user_id,
                folder_name=name,
                created_at=self._clock(),
            )
            if self._folders.create(folder):
                return folder.folder_id
        raise Unavailable("The folder is being changed by others; try again in a moment.")

    def erase(self, user: User, folder_ids: Sequence[int]) -> int:
        """Hide folders at once, and have their content removed; return how many there were.

        A folder that is already being erased stays as it is. The message is sent first: if the folder were
        hidden first, a crash in between would leave it hidden for ever. The consumer drops a message about a
        folder that was never hidden.

        Raises
        ------
        NoAccess
            If one of the folders is not the user's or does not exist; then none is erased.
        """
        wanted = set(folder_ids)
        records = self._folders.get_many(wanted)
        if any(
            folder_id not in records or records[folder_id].owner_id != user.user_id for folder_id in wanted
        ):
            raise NoAccess("You have no access to one of these folders; nothing was deleted.")
        with ThreadPoolExecutor(_ERASED_TOGETHER) as pool:
            for _ in pool.map(self._erase, records.values()):
                pass  # raises the first error; repeating the request erases the rest
        return len(records)

    def _erase(self, record: FolderRecord) -> None:
        if record.status is FolderStatus.ACTIVE:
            self._maintenance.erase_folder(record.owner_id, record.folder_id)
            self._folders.hide(record)

    def erase_all(self, user: User) -> None:
        """Erase every folder that the user owns, and end all shares with the user."""
        self.erase(user, self._folders.owned_ids(user.user_id))
        self._shares.delete(self._shares.with_user(user.user_id))
