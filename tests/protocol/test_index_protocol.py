"""Every interleaving of writers, merges, sweeps, deletions and searches, on a store that fails in every way.

A process stands still at each request, and the machine says who goes on and what becomes of the request: so
a crash, a lost answer or somebody else's whole change may lie between any two. Messages are delivered more
than once, several times at once, and in any order. Nothing may get lost, doubled or come back, no search may
fail, and every state must pass the checker.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from glimpse.index import (
    Answer,
    AttemptExpired,
    CommitContended,
    EpochChanged,
    IndexKeeper,
    IndexKey,
    IndexReader,
    IndexWriter,
    RetryPolicy,
    StoreUnavailable,
    VectorBatch,
)
from glimpse.index.check import Trouble, check
from glimpse.index.errors import Conflict, PreconditionFailed
from glimpse.index.layout import attempt_of
from glimpse.index.writer import Attempt
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.protocol.history import Images, JudgedStore
from tests.protocol.processes import Fate, Killed, Process

KEY = IndexKey("glimpse", "space-1", 1, 3)
QUERY = np.array([1, 0], dtype=np.float32)
GRACE = 100.0
POLICY = RetryPolicy(tries=8)
EXPECTED = (Killed, CommitContended, AttemptExpired, EpochChanged, StoreUnavailable)
"""How a process may end. What it did not finish, a message brings again."""

MOST_PROCESSES = 5
FATES = [Fate.DONE] * 6 + list(Fate)

SMALL = {
    "glimpse.index.tiers.TAIL_SPANS": 3,
    "glimpse.index.tiers._TIERS": (8, 24),
    "glimpse.index.tiers.BUSY_SPANS": 5,
    "glimpse.index.tiers.REST_SPANS": 2,
    "glimpse.index.tiers.DEAD_LEAST": 3,
    "glimpse.index.writer._TIDY_EVERY": 2,
}
"""The policy's numbers, so small that a few commits exercise all of it."""


@dataclass(eq=False)
class Message:
    """What a queue holds until a worker has finished it."""

    image_id: int
    content: int = 0
    """Of the vector to add; 0: the image is to be removed."""
    replaces: bool = False
    in_flight: int = 0


@dataclass(eq=False)
class Running:
    """A process that stands at a request."""

    process: Process
    finish: Callable[[], None]
    began: float
    image_id: int | None = None


@dataclass
class Queue:
    """Messages, and the records of the images that they are about."""

    messages: list[Message] = field(default_factory=list)
    contents: dict[int, int] = field(default_factory=dict)
    indexed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)


class IndexProtocol(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patches = [mock.patch(name, value) for name, value in SMALL.items()]
        for patch in self.patches:
            patch.start()
        self.now = 1000.0
        self.shared = JudgedStore(KEY, lambda: self.now)
        self.late: list[Callable[[], None]] = []
        self.running: list[Running] = []
        self.queue = Queue()
        self.next_image = 0
        self.is_being_deleted = False
        self.checked: dict[str, bytes] = {}
        self.reader_process = self.process()
        self.reader = IndexReader(
            self.reader_process.store,
            memory_budget_bytes=600,
            disk_budget_bytes=0,
            disk_dir=Path("unused"),
            threads=1,
        )

    # ---- messages

    @precondition(lambda self: not self.is_being_deleted)
    @rule(count=st.integers(1, 6))
    def people_upload(self, count: int) -> None:
        for _ in range(count):
            self.queue.contents[self.next_image] = 1 + self.next_image % 9
            self.queue.messages.append(Message(self.next_image, 1 + self.next_image % 9))
            self.next_image += 1

    @precondition(lambda self: self.queue.indexed)
    @rule(data=st.data())
    def somebody_deletes(self, data: st.DataObject) -> None:
        image_id = data.draw(st.sampled_from(sorted(self.queue.contents)))
        if image_id not in self.queue.deleted:
            self.queue.deleted.add(image_id)
            self.queue.messages.append(Message(image_id))

    @precondition(lambda self: self.queue.indexed)
    @rule(data=st.data())
    def somebody_replaces(self, data: st.DataObject) -> None:
        image_id = data.draw(st.sampled_from(sorted(self.queue.indexed)))
        if image_id in self.queue.deleted or any(m.image_id == image_id for m in self.queue.messages):
            return
        self.queue.indexed.discard(image_id)
        self.queue.contents[image_id] = content = 1 + self.queue.contents[image_id] % 9
        self.queue.messages.append(Message(image_id, content, replaces=True))

    # ---- processes

    def process(self) -> Process:
        return Process(self.shared, self.late, lambda: self.pass_time(GRACE / 4))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def writer(self, process: Process) -> IndexWriter:
        return IndexWriter(
            process.store,
            policy=POLICY,
            grace_seconds=GRACE,
            merge_readers=1,
            clock=lambda: self.now,
            sleep=lambda _: self.pass_time(1),
        )

    def keeper(self, process: Process) -> IndexKeeper:
        return IndexKeeper(
            process.store,
            policy=POLICY,
            grace_seconds=GRACE,
            readers=1,
            clock=lambda: self.now,
            sleep=lambda _: self.pass_time(1),
        )

    def start(
        self,
        work: Callable[[], Any],
        finish: Callable[[], None],
        process: Process,
        image_id: int | None = None,
    ) -> None:
        process.start(work)
        running = Running(process, finish, self.now, image_id)
        self.running.append(running)
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

    @precondition(lambda self: self.queue.messages and len(self.running) < MOST_PROCESSES)
    @rule(place=st.integers(0, 20))
    def a_worker_receives(self, place: int) -> None:
        """Any message, whether others have it already or not."""
        messages = self.queue.messages
        message = messages[place % len(messages)]
        message.in_flight += 1
        process = self.process()
        done: list[bool] = []

        def finish() -> None:
            message.in_flight -= 1
            if done and message in messages:
                messages.remove(message)

        def work() -> None:
            self.work(process, self.writer(process), message)
            done.append(True)

        self.start(work, finish, process, message.image_id)

    def work(self, process: Process, writer: IndexWriter, message: Message) -> None:
        image_id, queue = message.image_id, self.queue
        attempt = writer.begin(KEY)
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
        commit = attempt.commit(_batch(added) if added else None, removed)
        mine = attempt_of(process.store.written[0].removeprefix(KEY.prefix))
        assert mine
        assert self.shared.appended[mine] == commit.version, "what was promised did not happen"
        assert attempt.epoch == commit.epoch

    @precondition(lambda self: len(self.running) < MOST_PROCESSES)
    @rule(at_rest=st.booleans(), whole=st.booleans())
    def a_compaction_begins(self, at_rest: bool, whole: bool) -> None:
        process = self.process()
        keeper = self.keeper(process)

        def work() -> None:
            assert not keeper.compact(KEY, at_rest=at_rest, whole=whole, seconds=GRACE).unusable

        self.start(work, lambda: None, process)

    @precondition(lambda self: len(self.running) < MOST_PROCESSES)
    @rule()
    def a_sweep_begins(self) -> None:
        process = self.process()
        keeper = self.keeper(process)
        self.start(lambda: keeper.sweep(KEY), lambda: None, process)

    @precondition(
        lambda self: len(self.running) < MOST_PROCESSES and self.next_image > 12 and not self.is_being_deleted
    )
    @rule()
    def the_index_is_deleted(self) -> None:
        queue = self.queue
        for image_id in set(queue.contents) - queue.deleted:
            queue.deleted.add(image_id)
            queue.messages.append(Message(image_id))
        process = self.process()
        writer = self.writer(process)

        def finish() -> None:
            self.is_being_deleted = False

        self.is_being_deleted = True  # nobody uploads into a folder that is being erased
        self.start(lambda: writer.delete(KEY), finish, process)

    @precondition(lambda self: self.reader_process not in self.processes())
    @rule(data=st.data())
    def a_search_begins(self, data: st.DataObject) -> None:
        version = data.draw(st.none() | st.integers(0, self.shared.version))
        first = len(self.shared.states) - 1
        process, began = self.reader_process, self.now
        process.is_over, process.error, process.result = False, None, None
        versions = None if version is None else {KEY: version}

        def finish() -> None:
            answer = process.result
            if process.error is None:
                assert isinstance(answer, Answer)
                # A search slower than the grace period may find less than there is, and says so.
                assert not answer.problems or self.now - began > GRACE, answer.problems
                if not answer.problems:
                    found = {hit.image_id: round(hit.score * 10) for hit in answer.hits}
                    assert len(found) == len(answer.hits)
                    states = self.shared.states
                    allowed = states[first:] if version is None else [s for s in states if s[0] >= version]
                    assert found in [images for _, images in allowed]

        self.start(lambda: self.reader.search([KEY], QUERY, 1000, versions), finish, process)

    def processes(self) -> list[Process]:
        return [running.process for running in self.running]

    # ---- the scheduler

    @precondition(lambda self: self.running)
    @rule(place=st.integers(0, MOST_PROCESSES), fate=st.sampled_from(FATES))
    def a_request_has_its_fate(self, place: int, fate: Fate) -> None:
        self.advance(self.running[place % len(self.running)], fate)

    @precondition(lambda self: self.running)
    @rule(place=st.integers(0, MOST_PROCESSES), requests=st.integers(2, 40))
    def a_process_runs(self, place: int, requests: int) -> None:
        running = self.running[place % len(self.running)]
        for _ in range(requests):
            if running in self.running:
                self.advance(running, Fate.DONE)

    def advance(self, running: Running, fate: Fate) -> None:
        if running.process is self.reader_process and fate is not Fate.SLOW:
            fate = Fate.DONE  # its pool reads ahead, and would go on after a failure
        running.process.step(fate)
        self.reap(running)

    @rule(seconds=st.sampled_from([1.0, GRACE / 2, GRACE + 1, 2 * GRACE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    @precondition(lambda self: self.queue.messages and len(self.running) < MOST_PROCESSES)
    @rule(count=st.integers(1, 6))
    def messages_are_worked_off(self, count: int) -> None:
        """Undisturbed, while the others stand still."""
        for place in range(count):
            if self.queue.messages:
                before = list(self.running)
                self.a_worker_receives(place)
                for running in [item for item in self.running if item not in before]:
                    while running in self.running:
                        self.advance(running, Fate.DONE)

    @precondition(lambda self: self.late)
    @rule()
    def a_late_request_lands(self) -> None:
        try:
            self.late.pop(0)()
        except (Conflict, PreconditionFailed):
            return

    # ---- what must hold

    @invariant()
    def every_state_passes_the_checker(self) -> None:
        if self.shared.objects == self.checked:
            return
        self.checked = dict(self.shared.objects)
        report = check(self.shared, KEY)
        assert report.errors == []
        assert report.batch is None or set(report.batch.image_ids.tolist()) == set(self.shared.images)

    @invariant()
    def what_was_acknowledged_is_found(self) -> None:
        assert self.queue.indexed - self.queue.deleted <= set(self.shared.images)

    @invariant()
    def what_was_removed_stays_away(self) -> None:
        busy = {running.image_id for running in self.running}
        busy |= {message.image_id for message in self.queue.messages}
        assert not (self.queue.deleted - busy) & set(self.shared.images)

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            for patch in self.patches:
                patch.stop()

    def settle(self) -> None:
        """Let everything end, deliver what is left, and look at what remains after compaction and sweeps."""
        for running in list(self.running):
            while running in self.running:
                self.advance(running, Fate.KILLED_BEFORE)
        self.pass_time(GRACE)
        for _ in range(len(self.queue.messages)):
            self.a_worker_receives(0)
            self.let_everything_run()
        assert not self.queue.messages
        expected = {i: c for i, c in self.queue.contents.items() if i not in self.queue.deleted}
        assert self.shared.images == expected
        for _ in range(2):
            self.a_compaction_begins(at_rest=True, whole=False)
            self.let_everything_run()
        for _ in range(3):
            self.pass_time(2 * GRACE + 1)
            self.a_sweep_begins()
            self.let_everything_run()
        report = check(self.shared, KEY)
        assert [f for f in report.findings if f.trouble is not Trouble.STRANGE] == []
        assert report.spans <= SMALL["glimpse.index.tiers.REST_SPANS"]  # type: ignore[operator]
        assert not [name for name in self.shared.objects if "/marks/" in name]
        assert self.shared.images == expected

    def let_everything_run(self) -> None:
        for running in list(self.running):
            while running in self.running:
                self.advance(running, Fate.DONE)


def _batch(images: Images) -> VectorBatch:
    """Vectors whose cosine with QUERY is content / 10."""
    cosines = np.array([images[image_id] / 10 for image_id in sorted(images)], np.float32)
    return VectorBatch(
        np.array(sorted(images), np.int64),
        np.stack((cosines, np.sqrt(1 - cosines**2)), axis=1),
        np.zeros(len(images), np.int64),
    )


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=100,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


TestIndexProtocol = IndexProtocol.TestCase
TestIndexProtocol.settings = _settings(int(os.environ.get("GLIMPSE_PROTOCOL_EXAMPLES", "15")))


@pytest.mark.slow
class TestIndexProtocolAtLength(IndexProtocol.TestCase):  # type: ignore[name-defined,misc]
    """Ten thousand steps and more."""

    settings = _settings(150)
