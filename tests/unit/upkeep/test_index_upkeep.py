"""Indexes are asked to be looked after, and are: at once where it is due, and when a burst is over."""

import logging
from dataclasses import dataclass, field

import pytest
from glimpse.index import Commit, IndexKey, IndexMaintenance, IndexWriter, StoreUnavailable
from glimpse.index.store.object_store import StoredObject
from glimpse.maintenance import QueueUnavailable
from glimpse.messages import CompactIndex, TendIndexes, Upkeep
from glimpse.queues import REST_SECONDS, UpkeepRequests, WorkOutcome, compaction
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.upkeep.services.index_upkeep import IndexUpkeep
from tests.unit.index.memory_store import MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of

INDEX = IndexKey("glimpse", "space-1", 1, 3)
LONG = 900.0


@dataclass
class Queue:
    """Remembers messages, and when they may be received."""

    store: MemoryStore
    sent: list[tuple[float, Upkeep]] = field(default_factory=list)
    is_down: bool = False

    def send(self, message: Upkeep, *, delay_seconds: int = 0) -> None:
        if self.is_down:
            raise QueueUnavailable("down")
        assert 0 <= delay_seconds <= 900
        self.sent.append((self.store.now + delay_seconds, message))

    @property
    def messages(self) -> list[Upkeep]:
        return [message for _, message in self.sent]


class World:
    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.queue = Queue(self.store)
        options = {"clock": lambda: self.store.now, "sleep": lambda _: None}
        self.writer = IndexWriter(self.store, merge_readers=1, **options)  # type: ignore[arg-type]
        maintenance = IndexMaintenance(self.store, readers=1, **options)  # type: ignore[arg-type]
        self.upkeep = IndexUpkeep(self.store, maintenance, self.queue, workers=1)
        self.maintenance = maintenance

    def worker(self) -> UpkeepRequests:
        return UpkeepRequests(self.queue, clock=lambda: self.store.now)

    def commit(self, calls: UpkeepRequests, image_id: int, index: IndexKey = INDEX) -> Commit:
        commit = self.writer.begin(index).commit(batch_of([image_id], seed=image_id))
        calls.committed(index, commit)
        return commit

    def receive(self) -> WorkOutcome:
        """Work off the message that comes first."""
        self.queue.sent.sort(key=lambda item: item[0])
        at, message = self.queue.sent.pop(0)
        self.store.now = max(self.store.now, at)
        work = self.upkeep.compact if isinstance(message, CompactIndex) else self.upkeep.tend
        return work(message, receive_count=1, remaining_seconds=lambda: LONG)  # type: ignore[arg-type]

    def spans(self, index: IndexKey = INDEX) -> int:
        manifest = manifest_of(self.store, index)
        return len({entry["sequence"] for entry in manifest["segments"] + manifest["tombstones"]})


def test_a_small_folder_asks_for_nothing() -> None:
    world = World()
    calls = world.worker()
    for image_id in range(15):
        world.commit(calls, image_id)
    assert world.queue.sent == []


def test_a_busy_folder_asks_once() -> None:
    world = World()
    calls = world.worker()
    for image_id in range(200):
        world.store.now += 1
        world.commit(calls, image_id)
    at_rest = [message for message in world.queue.messages if message.rest_version is not None]  # type: ignore[union-attr]
    assert len(at_rest) == 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 1.0, 20.0, 60.0, 89.0, 91.0, 119.0, 121.0]), st.integers(0, 2)),
        min_size=60,
        max_size=120,
    )
)
def test_after_the_last_commit_an_index_comes_to_rest_within_minutes(
    commits: list[tuple[float, int]],
) -> None:
    world = World()
    workers = [world.worker() for _ in range(3)]
    for image_id, (pause, worker) in enumerate(commits):
        world.store.now += pause
        while world.queue.sent and min(at for at, _ in world.queue.sent) <= world.store.now:
            now = world.store.now
            world.receive()
            world.store.now = now
        world.commit(workers[worker], image_id)
    ended = world.store.now
    while world.queue.sent:
        world.receive()
        assert world.store.now <= ended + 3 * REST_SECONDS
    assert not world.maintenance.needs(INDEX).is_due_at_rest
    assert world.spans() <= 20
    report = world.maintenance.check(INDEX)
    assert report.errors == []
    assert report.batch is not None
    assert report.batch.image_ids.tolist() == list(range(len(commits)))


def test_what_is_due_is_merged_while_writers_go_on() -> None:
    world = World()
    attempt = world.writer.begin(INDEX)
    attempt.commit(batch_of(range(1000)))
    calls = world.worker()
    due = False
    for image_id in range(0, 1000, 5):  # tombstones become many
        commit = attempt.commit(removed=list(range(image_id, image_id + 5)))
        calls.committed(INDEX, commit)
        due |= commit.is_compaction_due
    assert due
    assert compaction(INDEX) in world.queue.messages
    world.queue.sent = [(0.0, compaction(INDEX))]
    assert world.receive() is WorkOutcome.DONE
    assert world.queue.sent == []
    report = world.maintenance.check(INDEX)
    assert report.is_sound
    assert report.tombstones < 250 * 4


def test_without_time_it_goes_on_in_the_next_invocation() -> None:
    world = World()
    for image_id in range(30):
        world.commit(world.worker(), image_id)
    version = world.maintenance.needs(INDEX).version
    world.queue.sent.clear()
    request = compaction(INDEX, version)
    assert (
        world.upkeep.compact(request, receive_count=1, remaining_seconds=lambda: 0.0) is WorkOutcome.CONTINUED
    )
    assert world.queue.sent == [(world.store.now, request)]
    assert world.receive() is WorkOutcome.DONE
    assert world.spans() <= 20


def test_a_queue_that_does_not_answer_fails_no_writer_and_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    calls = world.worker()
    world.queue.is_down = True
    with caplog.at_level(logging.WARNING):
        for image_id in range(60):
            world.commit(calls, image_id)
    assert len(caplog.records) == 1
    assert "compaction of indexes/glimpse/space-1/1/3/ could not be requested" in caplog.text
    world.queue.is_down = False
    world.store.now += 61
    world.commit(calls, 100)
    assert world.queue.sent


def test_a_round_sees_to_every_index_and_one_that_is_damaged_stops_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    indexes = [IndexKey("glimpse", "space-1", user, 3) for user in range(1, 4)]
    for index in indexes:
        for image_id in range(30):
            world.commit(world.worker(), image_id, index)
        world.store._put(index.object(f"segments/{'0' * 32}.seg"), b"left behind")
    world.queue.sent.clear()
    world.store.objects[indexes[1].manifest] = b"{"
    sound = [indexes[0], indexes[2]]
    for _ in range(2):
        world.store.now += 86_400
        with caplog.at_level(logging.ERROR):
            assert (
                world.upkeep.tend(
                    TendIndexes(kind="tend-indexes"), receive_count=1, remaining_seconds=lambda: LONG
                )
                is WorkOutcome.DONE
            )
    assert indexes[1].manifest in caplog.text
    left = [index for index in indexes if index.object(f"segments/{'0' * 32}.seg") in world.store.objects]
    assert left == [indexes[1]]
    while world.queue.sent:
        world.receive()
    assert all(world.spans(index) <= 20 for index in sound)


def test_a_round_goes_on_after_the_index_where_its_time_ended() -> None:
    world = World()
    for user in range(200):
        world.writer.create(IndexKey("glimpse", "space-1", user, 3))
    rounds = 1
    outcome = world.upkeep.tend(
        TendIndexes(kind="tend-indexes"), receive_count=1, remaining_seconds=lambda: 0.0
    )
    while outcome is WorkOutcome.CONTINUED:
        ((_, message),) = world.queue.sent
        world.queue.sent.clear()
        assert isinstance(message, TendIndexes)
        outcome = world.upkeep.tend(message, receive_count=1, remaining_seconds=lambda: 0.0)
        rounds += 1
    listed = {key for kind, key in world.store.requests if kind == "list" and key.count("/") == 5}
    assert len(listed) == 200
    assert rounds == 5


class Wavering(MemoryStore):
    """Does not answer about what lies below a prefix, as long as there is one."""

    silent: str | None = None

    def get(self, key: str) -> StoredObject | None:
        if self.silent and key.startswith(self.silent):
            raise StoreUnavailable("503")
        return super().get(key)

    def children(self, prefix: str, limit: int) -> set[str] | None:
        if self.silent and prefix.startswith(self.silent):
            raise StoreUnavailable("503")
        return super().children(prefix, limit)


def wavering_world(users: int) -> tuple[World, Wavering]:
    store = Wavering()
    world = World(store)
    for user in range(100, 100 + users):
        world.writer.create(IndexKey("glimpse", "space-1", user, 3))
    store.requests.clear()
    return world, store


def swept(store: MemoryStore) -> set[str]:
    return {key for kind, key in store.requests if kind == "list" and key.count("/") == 5}


def tend(world: World, message: Upkeep | None = None) -> WorkOutcome:
    request = message or TendIndexes(kind="tend-indexes")
    assert isinstance(request, TendIndexes)
    return world.upkeep.tend(request, receive_count=1, remaining_seconds=lambda: LONG)


def test_an_index_of_which_the_bucket_says_nothing_keeps_no_other_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world, store = wavering_world(3)
    store.silent = IndexKey("glimpse", "space-1", 101, 3).prefix
    assert tend(world) is WorkOutcome.DONE
    assert len(swept(store)) == 2
    (record,) = caplog.records
    assert (record.levelname, store.silent in record.getMessage()) == ("WARNING", True)


def test_a_round_that_an_outage_ends_goes_on_where_it_was() -> None:
    world, store = wavering_world(150)
    store.silent = "indexes/glimpse/space-1/230/"
    assert tend(world) is WorkOutcome.CONTINUED
    ((_, message),) = world.queue.sent
    with pytest.raises(StoreUnavailable):
        tend(world, message)
    assert len(swept(store)) == 128
    store.silent = None
    assert tend(world, message) is WorkOutcome.DONE
    assert len(swept(store)) == 150
    assert len([key for kind, key in store.requests if kind == "list" and key.count("/") == 5]) == 150
