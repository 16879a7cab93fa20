"""The protocols of the storage that the services need; `functions.api.storage` implements them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

from glimpse.records import FolderRecord, ImageRecord, JobRecord, ShareRecord
from glimpse.search_client import SearchPage
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope


class Counter(StrEnum):
    """Names of the counters from which ids are reserved."""

    USERS = "users"
    FOLDERS = "folders"
    IMAGES = "images"
    JOBS = "jobs"
    SHARES = "shares"


@dataclass(frozen=True, slots=True)
class User:
    """An account; one that `is_leaving` is being erased, and may only finish that."""

    user_id: int
    username: str
    password_hash: str
    created_at: datetime
    is_leaving: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One login; `token_hash` is the SHA-256 of its token, in hexadecimal."""

    token_hash: str
    user_id: int
    expires_at: datetime


class Counters(Protocol):
    """Reserves ids."""

    def reserve(self, counter: Counter, count: int = 1) -> range:
        """Return `count` consecutive ids that are given out only once."""


class UserRepository(Protocol):
    """Accounts."""

    def create(self, user: User, *, may_look_alike: bool = False) -> bool:
        """Write a new account; False if its name is taken, or looks like one that is (unless it may)."""

    def get(self, user_id: int) -> User | None:
        """Return an account by its id."""

    def find(self, username: str) -> User | None:
        """Return an account by its name."""

    def find_to_log_in(self, username: str) -> User | None:
        """Return the account with this name, or else the only one whose name looks like it."""

    def replace_hash(self, user: User, password_hash: str) -> None:
        """Replace a password's hash by one with new parameters."""

    def mark_leaving(self, user: User) -> None:
        """Mark an account as being erased: it can no longer get new folders."""

    def delete(self, user: User) -> None:
        """Remove an account and free its name."""


class SessionRepository(Protocol):
    """Logins."""

    def create(self, session: Session) -> None:
        """Write a new login."""

    def get(self, token_hash: str) -> Session | None:
        """Return a login, even if it has expired."""

    def extend(self, session: Session, expires_at: datetime) -> None:
        """Extend a login that still exists."""

    def delete(self, token_hash: str) -> None:
        """End one login."""

    def delete_all(self, user_id: int) -> None:
        """End every login of a user."""


class FolderRepository(Protocol):
    """Folders and their names."""

    def find(self, owner_id: int, folder_name: str) -> int | None:
        """Return the id of an owner's active folder by its name."""

    def create(self, folder: FolderRecord) -> bool:
        """Write a new folder; False if its owner has one of this name, is leaving or has left."""

    def owned_ids(self, owner_id: int) -> list[int]:
        """Return the ids of an owner's active folders."""

    def get_many(self, folder_ids: Iterable[int]) -> dict[int, FolderRecord]:
        """Return the folders that exist, whatever their status."""

    def hide(self, folder: FolderRecord) -> None:
        """Mark a folder ERASING and free its name; a folder that is already hidden stays as it is."""


class ShareRepository(Protocol):
    """Shares of folders; see :class:`glimpse.records.ShareStore`."""

    def with_user(self, user_id: int) -> list[ShareRecord]:
        """Return the shares that others have given a user."""

    def delete(self, shares: Iterable[ShareRecord]) -> None:
        """Delete shares; those that don't exist are ignored."""


class ImageRepository(Protocol):
    """Image records; see :class:`glimpse.records.ImageStore`."""

    def get_many(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], ImageRecord]:
        """Return the records that exist, by (folder_id, image_id)."""

    def put_pending(self, records: Sequence[ImageRecord]) -> None:
        """Write new records of one folder; raises FolderGone."""

    def mark_failed(self, record: ImageRecord, reason: str, *, sequencer: str) -> bool:
        """Mark an image FAILED and count it."""


class JobRepository(Protocol):
    """Uploads; see :class:`glimpse.records.JobStore`."""

    def create(self, job: JobRecord) -> None:
        """Write a new job."""

    def get(self, job_id: int) -> JobRecord | None:
        """Return a job."""


@dataclass(frozen=True, slots=True)
class SignedPost:
    """A form that a browser may send to the bucket: its URL, and the fields that come before the file."""

    url: str
    fields: Mapping[str, str]


class ObjectNotStored(Exception):
    """The bucket did not accept an object."""


class UploadBucket(Protocol):
    """The images bucket."""

    def put(self, key: str, body: BinaryIO, content_type: str) -> None:
        """Store an object; raises ObjectNotStored."""

    def sign_get(self, key: str, content_type: str | None = None) -> str:
        """Return a URL that shows an object, with this content type, for some minutes."""

    def sign_post(self, key: str, size: int, content_type: str) -> SignedPost:
        """Return a form for one object of exactly `size` bytes and this type, valid for some minutes."""


class EraseQueue(Protocol):
    """The queue of slow work; implemented by :class:`glimpse.maintenance.MaintenanceQueue`."""

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        """Request the removal of a folder's content, once it is hidden; raises QueueUnavailable."""


class SearchBackend(Protocol):
    """The search service; see :class:`glimpse.search_client.SearchClient`."""

    def search(self, scope: SearchScope, query: SearchQuery, options: SearchOptions) -> SearchPage:
        """Return the best images of a scope.

        Raises
        ------
        ServiceError
            If the service rejects the request, or does not answer (Unavailable).
        """

    def warm(self, scope: SearchScope) -> None:
        """Preload the data for searches over a scope, without waiting for it; raises Unavailable."""

    def health(self) -> Mapping[str, Any]:
        """Return the service's health report; raises Unavailable."""
