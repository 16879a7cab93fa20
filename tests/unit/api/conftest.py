"""The API's services on storage in memory."""

import pytest

from functions.api.services.accounts import Accounts, Passwords
from functions.api.services.folders import FolderService
from functions.api.services.jobs import JobService
from functions.api.services.ports import User
from functions.api.services.search import UserSearchService
from functions.api.services.uploads import UploadService
from tests.unit.api.memory import (
    Clock,
    MemoryCounters,
    MemoryFolders,
    MemoryImages,
    MemoryJobs,
    MemoryMaintenance,
    MemoryObjects,
    MemorySearch,
    MemorySessions,
    MemoryShares,
    MemoryUsers,
)


class World:
    """Storage in memory with the services on it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.counters = MemoryCounters()
        self.users, self.sessions = MemoryUsers(), MemorySessions()
        self.folder_store = MemoryFolders()
        self.shares = MemoryShares()
        self.images = MemoryImages(self.folder_store)
        self.job_store = MemoryJobs()
        self.objects = MemoryObjects(self.images)
        self.maintenance = MemoryMaintenance(self.folder_store)
        self.search_engine = MemorySearch()
        passwords = Passwords(memory_kib=64)
        clock = self.clock
        self.accounts = Accounts(
            self.users, self.sessions, self.counters, passwords, clock, clock.seconds, clock.sleep
        )
        self.folders = FolderService(
            self.folder_store, self.shares, self.counters, self.maintenance, self.clock
        )
        self.uploads = UploadService(
            self.folders, self.counters, self.images, self.job_store, self.objects, self.clock
        )
        self.jobs = JobService(self.job_store, self.folder_store)
        self.search = UserSearchService(self.folders, self.images, self.objects, self.search_engine)

    def user(self, name: str = "ada") -> User:
        return self.accounts.register(name, "correct horse")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def make_world() -> type[World]:
    """For tests that need a fresh world per example."""
    return World
