"""The order of steps by which vectors get into indexes, whatever happens between any two of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import count

import pytest
from glimpse.index import Commit, EpochChanged, IndexKey, IndexWriter, VectorBatch, image_ids
from glimpse.index.store.object_store import Data, StoredObject
from glimpse.ingest import Ingest, indexes_of, no_records
from glimpse.maintenance import QueueUnavailable
from glimpse.messages import Upkeep
from glimpse.queues import UpkeepRequests

from tests.unit.index.memory_store import MemoryStore
from tests.unit.index.vectors import batch_of

SPACES = ("one", "two")
INDEXES = indexes_of("glimpse", 1, 3, dict.fromkeys(SPACES, 0))
ONE, TWO = INDEXES
ALIVE = "the folder"


class Killed(BaseException):
    """The worker died; nothing catches this."""


class Deployment(MemoryStore):
    """Indexes, a folder and its images; every use of them is noted, and calls the hook first."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.hook: Callable[[str], None] = lambda _: None
        self.folder: str | None = ALIVE
        self.records: set[int] = set()
        self.known: dict[str, int] = {}
        self.folders = _Folders(self)

    def reach(self, step: str) -> None:
        self.steps.append(step)
        self.hook(step)

    def get(self, key: str) -> StoredObject | None:
        if key.endswith("/manifest.json"):
            self.reach(f"read {key.split('/')[2]}")
        return super().get(key)

    def put_if_none_match(self, key: str, data: Data) -> None:
        self.reach(f"write {key.split('/')[2]}")
        super().put_if_none_match(key, data)

    def put_if_match(self, key: str, data: bytes, etag: str) -> None:
        self.reach(f"write {key.split('/')[2]}")
        super().put_if_match(key, data, etag)

    def look(self) -> str | None:
        self.reach("look at the folder")
        return self.folder

    def look_again(self, brought: Collection[int]) -> set[int]:
        self.reach("look again")
        return set(brought) - self.records

    def ids(self, index: IndexKey) -> set[int]:
        return image_ids(self, index)

    # What others do

    def erase(self) -> None:
        """Hide the folder, and empty its indexes, in the order in which that is done."""
        self.folder = None
        for index in INDEXES:
            IndexWriter(self).delete(index)


@dataclass
class _Folders:
    """The versions that the folder knows."""

    deployment: Deployment

    def raise_index_version(self, folder_id: int, space_id: str, version: int) -> None:
        assert folder_id == 3
        self.deployment.reach(f"raise {space_id}")
        self.deployment.known[space_id] = max(version, self.deployment.known.get(space_id, 0))


@dataclass
class Queue:
    """Takes nothing: a commit must not depend on it."""

    sent: list[Upkeep] = field(default_factory=list)

    def send(self, message: Upkeep, *, delay_seconds: int = 0) -> None:  # noqa: ARG002
        raise QueueUnavailable("down")


def ingest(deployment: Deployment) -> Ingest:
    return Ingest(IndexWriter(deployment), UpkeepRequests(Queue()), deployment.folders)


def batches(ids: Collection[int]) -> dict[str, VectorBatch | None]:
    return {space_id: batch_of(list(ids)) for space_id in SPACES}


def bring(deployment: Deployment, *ids: int, replaced: Collection[int] = ()) -> dict[str, int]:
    """What a worker does for images that have records."""
    ingestion = ingest(deployment).begin(INDEXES, deployment.look)
    if ingestion.seen is None:
        return {}
    alive = [image_id for image_id in ids if image_id in deployment.records]
    return ingestion.bring(batches(alive), replaced, lambda: deployment.look_again(alive))


def at(step: str, action: Callable[[], None]) -> Callable[[str], None]:
    """Do something once, just before this step."""
    pending = [action]

    def hook(reached: str) -> None:
        if reached == step and pending:
            pending.pop()()

    return hook


def killed_at(number: int) -> Callable[[str], None]:
    """Let a worker die at its n-th step, counted from 0."""
    steps = count()

    def hook(step: str) -> None:
        if next(steps) == number:
            raise Killed(step)

    return hook


def test_the_epochs_are_read_before_the_folder_and_the_records_after_the_commits() -> None:
    deployment = Deployment()
    deployment.records = {10, 11}
    versions = bring(deployment, 10, 11)
    noted = [step for step in deployment.steps if not step.startswith("write")]
    order = [
        noted.index(step)
        for step in ("read one", "read two", "look at the folder", "raise one", "look again")
    ]
    assert order == sorted(order)
    assert deployment.steps[:3] == ["read one", "read two", "look at the folder"]
    assert deployment.steps[-1] == "look again"
    assert versions == deployment.known == {"one": 1, "two": 1}
    assert deployment.ids(ONE) == deployment.ids(TWO) == {10, 11}


STEPS = (
    "look at the folder",
    "read one",
    "write one",
    "raise one",
    "read two",
    "write two",
    "raise two",
    "look again",
)


@pytest.mark.parametrize("step", STEPS)
def test_a_folder_that_is_erased_meanwhile_stays_erased(step: str) -> None:
    deployment = Deployment()
    deployment.records = {10}
    deployment.hook = at(step, deployment.erase)
    try:
        bring(deployment, 10)
    except EpochChanged:
        assert bring(deployment, 10) == {}, "the next try sees that the folder is gone"
    assert deployment.ids(ONE) == deployment.ids(TWO) == set()


@pytest.mark.parametrize("step", STEPS)
def test_an_image_that_is_deleted_meanwhile_is_taken_back(step: str) -> None:
    deployment = Deployment()
    deployment.records = {10, 11}
    deployment.hook = at(step, lambda: deployment.records.discard(11))
    versions = bring(deployment, 10, 11)
    assert deployment.ids(ONE) == deployment.ids(TWO) == {10}
    assert versions == deployment.known


def test_a_worker_killed_at_any_step_is_made_up_for_by_the_next_delivery() -> None:
    kills = 0
    while True:
        deployment = Deployment()
        deployment.records = {10, 11}
        deployment.hook = killed_at(kills)
        try:
            bring(deployment, 10, 11)
            survived = True
        except Killed:
            survived = False
        deployment.hook = lambda _: None
        if not survived:
            deployment.records.discard(11)  # and somebody deletes one before the redelivery
            bring(deployment, 10, replaced=[10, 11])
        expected = {10, 11} if survived else {10}
        for index in INDEXES:
            assert deployment.ids(index) == expected
            version = IndexWriter(deployment).begin(index).commit().version
            assert deployment.known[index.space_id] == version
        if survived:
            break
        kills += 1
    assert kills >= len(STEPS)


def test_where_there_is_nothing_to_commit_the_records_are_read_all_the_same() -> None:
    deployment = Deployment()
    ingestion = ingest(deployment).begin(INDEXES, deployment.look)
    nothing = dict.fromkeys(SPACES)
    assert ingestion.bring(nothing, [], lambda: deployment.look_again([])) == {}
    assert deployment.steps == ["read one", "read two", "look at the folder", "look again"]
    assert ingestion.versions() == {"one": 0, "two": 0}


def test_one_index_that_was_deleted_keeps_no_vector_in_another() -> None:
    deployment = Deployment()
    deployment.records = {10}
    ingestion = ingest(deployment).begin(INDEXES, deployment.look)

    def deleted_with_the_first_index() -> list[int]:
        IndexWriter(deployment).delete(ONE)
        return [10]

    with pytest.raises(EpochChanged):
        ingestion.bring(batches([10]), [], deleted_with_the_first_index)
    assert deployment.ids(ONE) == deployment.ids(TWO) == set()


def test_nothing_is_brought_to_an_owner_that_is_gone() -> None:
    deployment = Deployment()
    deployment.folder = None
    ingestion = ingest(deployment).begin(INDEXES, deployment.look)
    with pytest.raises(ValueError, match="owner"):
        ingestion.bring(batches([10]), [], no_records)
    assert deployment.ids(ONE) == set()


def test_images_without_records_raise_no_folders_version() -> None:
    deployment = Deployment()
    others = Ingest(IndexWriter(deployment), UpkeepRequests(Queue()))
    ingestion = others.begin(INDEXES, no_records)
    assert ingestion.bring(batches([10]), [], no_records) == {"one": 1, "two": 1}
    assert deployment.known == {}


def test_a_new_index_is_known_by_its_version() -> None:
    deployment = Deployment()
    ingest(deployment).create(ONE)
    assert deployment.known == {"one": 1}
    assert isinstance(IndexWriter(deployment).begin(ONE).commit(), Commit)
