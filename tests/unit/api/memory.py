"""What the API's services keep, in memory; and a clock that tests set."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from glimpse.errors import Unavailable
from glimpse.records import (
    FolderGone,
    FolderRecord,
    FolderStatus,
    ImageRecord,
    ImageStatus,
    JobRecord,
    ShareRecord,
)
from glimpse.search_client import SearchHit, SearchPage
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope

from functions.api.services.names import look_alikes
from functions.api.services.ports import (
    Counter,
    ObjectNotStored,
    Session,
    SignedPost,
    User,
)


@dataclass
class Clock:
    now: datetime = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    def seconds(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.forward(seconds=seconds)


class MemoryCounters:
    def __init__(self) -> None:
        self._next = dict.fromkeys(Counter, 1)
        self._lock = threading.Lock()

    def reserve(self, counter: Counter, count: int = 1) -> range:
        with self._lock:
            start = self._next[counter]
            self._next[counter] += count
        return range(start, start + count)


@dataclass
class MemoryUsers:
    by_id: dict[int, User] = field(default_factory=dict)

    def create(self, user: User, *, may_look_alike: bool = False) -> bool:
        looks = set(look_alikes(user.username))
        alike = any(looks & set(look_alikes(other.username)) for other in self.by_id.values())
        if self.find(user.username) or (alike and not may_look_alike):
            return False
        self.by_id[user.user_id] = user
        return True

    def get(self, user_id: int) -> User | None:
        return self.by_id.get(user_id)

    def find(self, username: str) -> User | None:
        return next((user for user in self.by_id.values() if user.username == username), None)

    def find_to_log_in(self, username: str) -> User | None:
        look = look_alikes(username)[0]
        alike = [user for user in self.by_id.values() if look in look_alikes(user.username)]
        return self.find(username) or (alike[0] if len(alike) == 1 else None)

    def replace_hash(self, user: User, password_hash: str) -> None:
        self.by_id[user.user_id] = replace(user, password_hash=password_hash)

    def mark_leaving(self, user: User) -> None:
        self.by_id[user.user_id] = replace(user, is_leaving=True)

    def delete(self, user: User) -> None:
        self.by_id.pop(user.user_id, None)


@dataclass
class MemorySessions:
    by_hash: dict[str, Session] = field(default_factory=dict)
    writes: int = 0

    def create(self, session: Session) -> None:
        self.by_hash[session.token_hash] = session

    def get(self, token_hash: str) -> Session | None:
        return self.by_hash.get(token_hash)

    def extend(self, session: Session, expires_at: datetime) -> None:
        self.writes += 1
        if session.token_hash in self.by_hash:
            self.by_hash[session.token_hash] = replace(session, expires_at=expires_at)

    def delete(self, token_hash: str) -> None:
        self.by_hash.pop(token_hash, None)

    def delete_all(self, user_id: int) -> None:
        self.by_hash = {key: value for key, value in self.by_hash.items() if value.user_id != user_id}


@dataclass
class MemoryFolders:
    by_id: dict[int, FolderRecord] = field(default_factory=dict)
    rivals: list[FolderRecord] = field(default_factory=list)
    """Folders that someone else creates just before the next creation."""

    def find(self, owner_id: int, folder_name: str) -> int | None:
        for folder in self.by_id.values():
            if (folder.owner_id, folder.folder_name) == (owner_id, folder_name) and _is_active(folder):
                return folder.folder_id
        return None

    def create(self, folder: FolderRecord) -> bool:
        if self.rivals:
            rival = self.rivals.pop()
            self.by_id[rival.folder_id] = rival
        if self.find(folder.owner_id, folder.folder_name) is not None:
            return False
        self.by_id[folder.folder_id] = folder
        return True

    def owned_ids(self, owner_id: int) -> list[int]:
        return [f.folder_id for f in self.by_id.values() if f.owner_id == owner_id and _is_active(f)]

    def get_many(self, folder_ids: Iterable[int]) -> dict[int, FolderRecord]:
        return {folder_id: self.by_id[folder_id] for folder_id in folder_ids if folder_id in self.by_id}

    def hide(self, folder: FolderRecord) -> None:
        self.by_id[folder.folder_id] = replace(folder, status=FolderStatus.ERASING)


def _is_active(folder: FolderRecord) -> bool:
    return folder.status is FolderStatus.ACTIVE


@dataclass
class MemoryImages:
    folders: MemoryFolders
    by_key: dict[tuple[int, int], ImageRecord] = field(default_factory=dict)
    gone_times: int = 0
    """How often the folder is erased just before records are written."""

    def get_many(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], ImageRecord]:
        return {pair: self.by_key[pair] for pair in pairs if pair in self.by_key}

    def put_pending(self, records: Sequence[ImageRecord]) -> None:
        folder = self.folders.by_id[records[0].folder_id]
        if self.gone_times:
            self.gone_times -= 1
            self.folders.hide(folder)
            raise FolderGone("gone")
        self.by_key |= {(record.folder_id, record.image_id): record for record in records}

    def mark_failed(self, record: ImageRecord, reason: str, *, sequencer: str) -> bool:
        failed = replace(record, status=ImageStatus.FAILED, reason=reason, sequencer=sequencer)
        self.by_key[record.folder_id, record.image_id] = failed
        return True


@dataclass
class MemoryJobs:
    by_id: dict[int, JobRecord] = field(default_factory=dict)

    def create(self, job: JobRecord) -> None:
        self.by_id[job.job_id] = job

    def get(self, job_id: int) -> JobRecord | None:
        return self.by_id.get(job_id)


@dataclass
class MemoryObjects:
    images: MemoryImages
    by_key: dict[str, bytes] = field(default_factory=dict)
    refused: set[bytes] = field(default_factory=set)

    def put(self, key: str, body: BinaryIO, content_type: str) -> None:  # noqa: ARG002
        assert any(record.key == key for record in self.images.by_key.values()), "object before its record"
        data = body.read()
        if data in self.refused:
            raise ObjectNotStored(key)
        self.by_key[key] = data

    def sign_get(self, key: str, content_type: str | None = None) -> str:
        return f"https://bucket/{key}" + (f"?type={content_type}" if content_type else "")

    def sign_post(self, key: str, size: int, content_type: str) -> SignedPost:
        return SignedPost("https://bucket", {"key": key, "size": str(size), "Content-Type": content_type})


@dataclass
class MemoryMaintenance:
    folders: MemoryFolders
    sent: list[tuple[int, int]] = field(default_factory=list)

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        assert _is_active(self.folders.by_id[folder_id]), "hidden before the message was sent"
        self.sent.append((owner_id, folder_id))


@dataclass
class MemoryShares:
    all: set[ShareRecord] = field(default_factory=set)

    def with_user(self, user_id: int) -> list[ShareRecord]:
        return [share for share in self.all if share.user_id == user_id]

    def delete(self, shares: Iterable[ShareRecord]) -> None:
        self.all.difference_update(shares)


@dataclass
class MemorySearch:
    hits: list[SearchHit] = field(default_factory=list)
    asked: list[tuple[Mapping[int, int], Mapping[int, Mapping[str, int]]]] = field(default_factory=list)
    relevant: int | None = None
    partial: bool = False
    health_asked: int = 0
    says: Mapping[str, Any] | None = None

    def search(self, scope: SearchScope, _: SearchQuery, options: SearchOptions) -> SearchPage:
        assert set(scope.folder_ids) <= scope.owners.keys()
        self.asked.append((scope.owners, scope.versions))
        return SearchPage(self.hits[: options.top_k], self.relevant, self.partial, offset=options.offset)

    def warm(self, scope: SearchScope) -> None:
        self.asked.append((scope.owners, scope.versions))

    def health(self) -> Mapping[str, Any]:
        self.health_asked += 1
        if self.says is None:
            raise Unavailable("no answer")
        return self.says
