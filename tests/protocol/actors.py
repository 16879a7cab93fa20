"""Who works on the index while it is tested: a queue of messages, and processes that stop at each request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from glimpse.index import (
    AttemptExpired,
    CommitContended,
    EpochChanged,
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    RetryPolicy,
    StoreUnavailable,
    VectorBatch,
)
from glimpse.index.layout import attempt_of
from glimpse.index.writer import Attempt
from hypothesis.stateful import RuleBasedStateMachine

from tests.protocol.judge import Images, JudgedStore
from tests.protocol.processes import Fate, Killed, Process, Request

KEY = IndexKey("glimpse", "space-1", 1, 3)
QUERY = np.array([1, 0], dtype=np.float32)
GRACE = 100.0
POLICY = RetryPolicy(tries=8)
EXPECTED = (Killed, CommitContended, AttemptExpired, EpochChanged, StoreUnavailable)
"""How a process may end. What it did not finish, a message brings again."""

MOST_REQUESTS = 5_000
"""No process makes more: one that does goes around in circles."""

REST_SPANS = 2

SMALL = {
    "glimpse.index.format.segment_kinds.INVERTED_FROM": 12,
    "glimpse.index.compaction.policy.TAIL_SPANS": 3,
    "glimpse.index.compaction.policy._TIERS": (8, 24),
    "glimpse.index.compaction.policy.BUSY_SPANS": 5,
    "glimpse.index.compaction.policy.REST_SPANS": REST_SPANS,
    "glimpse.index.compaction.policy.DEAD_LEAST": 3,
    "glimpse.index.writer._TAIL_MERGE_EVERY": 2,
}
"""The policy's numbers, so small that a few commits exercise all of it."""


@dataclass(eq=False)
class Message:
    """What a queue holds until a worker has finished it."""

    image_id: int
    content: int = 0
    """Of the vector to add; 0: the image is to be removed."""
    replaces: bool = False


@dataclass(eq=False)
class Running:
    """A process that stands at a request."""

    process: Process
    finish: Callable[[], None]
    image_id: int | None = None
    asked: float = 0.0
    """When it came to the request."""


@dataclass
class Queue:
    """Messages, and the records of the images that they are about."""

    messages: list[Message] = field(default_factory=list)
    contents: dict[int, int] = field(default_factory=dict)
    indexed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)

    def upload(self, count: int) -> None:
        for image_id in range(len(self.contents), len(self.contents) + count):
            self.contents[image_id] = 1 + image_id % 9
            self.messages.append(Message(image_id, self.contents[image_id]))

    def delete(self, image_id: int) -> None:
        if image_id not in self.deleted:
            self.deleted.add(image_id)
            self.messages.append(Message(image_id))

    def replace(self, image_id: int) -> None:
        self.indexed.discard(image_id)
        self.contents[image_id] = content = 1 + self.contents[image_id] % 9
        self.messages.append(Message(image_id, content, replaces=True))

    @property
    def expected(self) -> Images:
        """What a search finds once all messages are worked off."""
        return {image_id: c for image_id, c in self.contents.items() if image_id not in self.deleted}


class Actors(RuleBasedStateMachine):
    """Starts processes, lets them go on request by request, and looks at how they end."""

    steps = 0
    """Rules that were carried out, over all examples."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = [mock.patch(name, value) for name, value in SMALL.items()]
        for patch in self.patches:
            patch.start()
        self.now = 1000.0
        self.shared = JudgedStore(KEY, lambda: self.now)
        self.late: list[tuple[float, Callable[[], None]]] = []
        self.running: list[Running] = []
        self.queue = Queue()
        self.is_being_deleted = False
        self.reader_process = self.process()
        self.reader = IndexReader(
            self.reader_process.store,
            memory_budget_bytes=600,
            disk_budget_bytes=0,
            disk_dir=Path("unused"),
            threads=1,
        )

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def process(self) -> Process:
        return Process(
            self.shared,
            lambda request: self.late.append((self.now, request)),
            lambda: self.pass_time(GRACE / 4),
        )

    def writer(self, process: Process) -> IndexWriter:
        return IndexWriter(
            process.store,
            policy=POLICY,
            grace_seconds=GRACE,
            merge_readers=1,
            clock=lambda: self.now,
            sleep=lambda _: self.pass_time(1),
        )

    def maintenance(self, process: Process) -> IndexMaintenance:
        return IndexMaintenance(
            process.store,
            policy=POLICY,
            grace_seconds=GRACE,
            readers=1,
            clock=lambda: self.now,
            sleep=lambda _: self.pass_time(1),
        )

    # ---- what processes do

    def start(
        self,
        process: Process,
        work: Callable[[], Any],
        finish: Callable[[], None],
        image_id: int | None = None,
    ) -> Running:
        running = Running(process, finish, image_id, self.now)
        self.running.append(running)
        process.start(work)
        self.reap(running)
        return running

    def start_worker(self, message: Message) -> Running:
        """Deliver a message, whether others have it already or not."""
        process, messages = self.process(), self.queue.messages
        done: list[bool] = []

        def work() -> None:
            self.deal_with(process, message)
            done.append(True)

        def finish() -> None:
            if done and message in messages:
                messages.remove(message)

        return self.start(process, work, finish, message.image_id)

    def deal_with(self, process: Process, message: Message) -> None:
        image_id, queue = message.image_id, self.queue
        attempt = self.writer(process).begin(KEY)
        if image_id in queue.deleted:
            self.commit(process, attempt, {}, [image_id])
            return
        if image_id in queue.indexed:
            return
        self.commit(process, attempt, {image_id: message.content}, [image_id] if message.replaces else [])
        if image_id in queue.deleted:
            self.commit(process, attempt, {}, [image_id])
        elif queue.contents[image_id] == message.content:
            queue.indexed.add(image_id)

    def commit(self, process: Process, attempt: Attempt, added: Images, removed: list[int]) -> None:
        process.store.written.clear()
        epoch = attempt.epoch
        commit = attempt.commit(batch_of(added) if added else None, removed)
        mine = attempt_of(process.store.written[0].removeprefix(KEY.prefix))
        assert mine
        assert self.shared.appended[mine] == commit.version, "what was promised did not happen"
        assert commit.epoch == epoch, "it got into an index that was deleted since it began"

    def start_compaction(self, *, at_rest: bool, whole: bool) -> Running:
        process = self.process()
        maintenance = self.maintenance(process)

        def work() -> None:
            assert not maintenance.compact(KEY, at_rest=at_rest, whole=whole, seconds=GRACE).unusable

        return self.start(process, work, lambda: None)

    def start_sweep(self) -> Running:
        process = self.process()
        return self.start(process, lambda: self.maintenance(process).sweep(KEY), lambda: None)

    def start_deletion(self) -> Running:
        """Delete the index; nobody uploads into a folder that is being erased."""
        for image_id in self.queue.expected:
            self.queue.delete(image_id)
        process = self.process()

        def finish() -> None:
            self.is_being_deleted = False

        self.is_being_deleted = True
        return self.start(process, lambda: self.writer(process).delete(KEY), finish)

    # ---- how they go on

    def advance(self, running: Running, fate: Fate) -> None:
        if running.process is self.reader_process:
            if fate is not Fate.SLOW:
                fate = Fate.DONE  # its pool reads ahead, and would go on after a failure
        elif running.process.pending is not Request.READ and self.now - running.asked > GRACE:
            fate = Fate.KILLED_BEFORE  # a request takes effect within a grace period or never
        running.process.step(fate)
        running.asked = self.now
        self.reap(running)

    def reap(self, running: Running) -> None:
        """Judge a process that has ended."""
        if not running.process.is_over:
            return
        self.running.remove(running)
        error = running.process.error
        if error is not None and not isinstance(error, EXPECTED):
            raise error
        running.finish()

    def run_to_the_end(self, running: Running, fate: Fate = Fate.DONE) -> None:
        """Undisturbed, while the others stand still."""
        self.run_until(running, lambda: False, fate)

    def run_to_its_swap(self, running: Running) -> bool:
        """Go on until it is about to replace the manifest; tell whether it is."""
        return self.run_until(running, lambda: running.process.pending is Request.SWAP)

    def run_until(self, running: Running, stops: Callable[[], bool], fate: Fate = Fate.DONE) -> bool:
        """Go on until the process stops somewhere, or ends; tell whether it goes on from there."""
        for _ in range(MOST_REQUESTS):
            if running not in self.running:
                return False
            if stops():
                return True
            self.advance(running, fate)
        raise AssertionError(f"a process made more than {MOST_REQUESTS} requests")


def batch_of(images: Images) -> VectorBatch:
    """Vectors whose cosine with QUERY is content / 10."""
    cosines = np.array([images[image_id] / 10 for image_id in sorted(images)], np.float32)
    return VectorBatch(
        np.array(sorted(images), np.int64),
        np.stack((cosines, np.sqrt(1 - cosines**2)), axis=1),
        np.zeros(len(images), np.int64),
    )
