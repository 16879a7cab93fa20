"""Random interleavings of writers, merges, sweeps, deletions and searches, on a store that fails in all ways.

A process stands still at each request, and the machine says who goes on and what becomes of the request: so
a crash, a lost answer or somebody else's whole change may lie between any two. Messages are delivered more
than once, several times at once, and in any order. Nothing may get lost, doubled or come back, no search may
fail, and every state must pass the checker.
"""

from glimpse.index import Answer
from glimpse.index.admin.check import Defect, check
from glimpse.index.errors import Conflict, PreconditionFailed
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.protocol.actors import GRACE, KEY, QUERY, REST_SPANS, Actors
from tests.protocol.processes import Fate, Request

MOST_PROCESSES = 5
FATES = [Fate.DONE] * 6 + list(Fate)
LOST_SWAPS = [
    Fate.DONE, Fate.LOST, Fate.LOST, Fate.ECHO_412, Fate.LATE, Fate.KILLED_AFTER, Fate.KILLED_BEFORE
]  # fmt: skip


def can_start(machine: "IndexProtocol") -> bool:
    return len(machine.running) < MOST_PROCESSES


def is_anybody_running(machine: "IndexProtocol") -> bool:
    return bool(machine.running)


class IndexProtocol(Actors):
    """Actors under rules, and what must hold after each."""

    def __init__(self) -> None:
        super().__init__()
        self.changes_checked = -1

    @initialize(uploads=st.lists(st.integers(1, 3), min_size=6, max_size=14))
    def an_index_has_a_history(self, uploads: list[int]) -> None:
        for count in uploads:
            self.queue.upload(count)
        for message in list(self.queue.messages)[: len(uploads)]:
            self.run_to_the_end(self.start_worker(message))

    # ---- people

    @precondition(lambda self: not self.is_being_deleted)
    @rule(count=st.integers(1, 6))
    def people_upload(self, count: int) -> None:
        self.queue.upload(count)

    @precondition(lambda self: self.queue.indexed)
    @rule(data=st.data())
    def somebody_deletes(self, data: st.DataObject) -> None:
        self.queue.delete(data.draw(st.sampled_from(sorted(self.queue.contents))))

    @precondition(lambda self: self.queue.indexed)
    @rule(data=st.data())
    def somebody_replaces(self, data: st.DataObject) -> None:
        """An image that nobody is at work on: workers of two pictures of one image are embed's affair."""
        image_id = data.draw(st.sampled_from(sorted(self.queue.indexed)))
        busy = {message.image_id for message in self.queue.messages}
        busy |= {running.image_id for running in self.running}
        if image_id not in self.queue.deleted | busy:
            self.queue.replace(image_id)

    # ---- processes begin

    @precondition(lambda self: self.queue.messages and can_start(self))
    @rule(place=st.integers(0, 20))
    def a_worker_receives(self, place: int) -> None:
        self.start_worker(self.queue.messages[place % len(self.queue.messages)])

    @precondition(can_start)
    @rule(at_rest=st.booleans(), whole=st.booleans())
    def a_compaction_begins(self, at_rest: bool, whole: bool) -> None:
        self.start_compaction(at_rest=at_rest, whole=whole)

    @precondition(can_start)
    @rule()
    def a_sweep_begins(self) -> None:
        self.start_sweep()

    @precondition(lambda self: can_start(self) and not self.is_being_deleted)
    @rule()
    def a_deletion_begins(self) -> None:
        self.start_deletion()

    @precondition(lambda self: self.reader_process not in [running.process for running in self.running])
    @rule(data=st.data(), exact=st.booleans())
    def a_search_begins(self, data: st.DataObject, exact: bool) -> None:
        version = data.draw(st.none() | st.integers(0, self.shared.version))
        first, began, process = len(self.shared.states) - 1, self.now, self.reader_process
        versions = None if version is None else {KEY: version}
        answers: list[Answer] = []

        def finish() -> None:
            # A search slower than the grace period may find less than there is, and says so.
            for answer in answers:
                assert not answer.problems or self.now - began > GRACE, answer.problems
                if not answer.problems:
                    found = {hit.image_id: round(hit.score * 10) for hit in answer.hits}
                    assert len(found) == len(answer.hits)
                    states = self.shared.states
                    allowed = states[first:] if version is None else [s for s in states if s[0] >= version]
                    assert found in [images for _, images in allowed]

        def work() -> None:
            answers.append(self.reader.search([KEY], QUERY, 1000, versions, exact=exact))

        self.start(process, work, finish)

    # ---- and go on

    @precondition(is_anybody_running)
    @rule(place=st.integers(0, MOST_PROCESSES), fate=st.sampled_from(FATES))
    def a_request_has_its_fate(self, place: int, fate: Fate) -> None:
        self.advance(self.running[place % len(self.running)], fate)

    @precondition(is_anybody_running)
    @rule(place=st.integers(0, MOST_PROCESSES), requests=st.integers(2, 40))
    def a_process_runs(self, place: int, requests: int) -> None:
        running = self.running[place % len(self.running)]
        for _ in range(requests):
            if running in self.running:
                self.advance(running, Fate.DONE)

    @precondition(is_anybody_running)
    @rule(place=st.integers(0, MOST_PROCESSES))
    def a_process_reaches_its_swap(self, place: int) -> None:
        self.run_to_its_swap(self.running[place % len(self.running)])

    @precondition(is_anybody_running)
    @rule(place=st.integers(0, MOST_PROCESSES), fate=st.sampled_from(LOST_SWAPS))
    def a_swap_has_its_fate(self, place: int, fate: Fate) -> None:
        running = self.running[place % len(self.running)]
        if self.run_to_its_swap(running):
            self.advance(running, fate)

    @precondition(lambda self: self.queue.messages)
    @rule(count=st.integers(1, 8))
    def messages_are_worked_off(self, count: int) -> None:
        for message in list(self.queue.messages)[:count]:
            self.run_to_the_end(self.start_worker(message))

    @rule(at_rest=st.booleans(), whole=st.booleans())
    def a_compaction_runs(self, at_rest: bool, whole: bool) -> None:
        self.run_to_the_end(self.start_compaction(at_rest=at_rest, whole=whole))

    @rule(seconds=st.sampled_from([0.0, GRACE + 1, 2 * GRACE + 1]))
    def sweeps_run(self, seconds: float) -> None:
        for _ in range(2):
            self.run_to_the_end(self.start_sweep())
            self.pass_time(seconds)
        self.run_to_the_end(self.start_sweep())

    # ---- what is dangerous, and seldom happens by itself

    @precondition(lambda self: can_start(self) and not self.is_being_deleted)
    @rule(fate=st.sampled_from([Fate.LOST, Fate.ECHO_412]), later=st.integers(0, 2), goes_on=st.booleans())
    def a_commit_is_merged_before_its_writer_knows_of_it(self, fate: Fate, later: int, goes_on: bool) -> None:
        self.queue.upload(1 + later)
        message, *others = self.queue.messages[-1 - later :]
        writer = self.start_worker(message)
        if self.run_to_its_swap(writer):
            self.advance(writer, fate)
        self.run_to_the_end(self.start_compaction(at_rest=True, whole=True))
        for other in others:
            self.run_to_the_end(self.start_worker(other))
        self.run_to_the_end(self.start_compaction(at_rest=True, whole=True))
        if goes_on:
            self.run_to_the_end(writer)

    @precondition(can_start)
    @rule(data=st.data(), whole=st.booleans(), goes_on=st.booleans())
    def a_merge_is_overtaken(self, data: st.DataObject, whole: bool, goes_on: bool) -> None:
        """By another merge of the same, or by messages: a removal, if there is what to remove."""
        merge = self.start_compaction(at_rest=True, whole=True)
        self.run_to_its_swap(merge)
        if whole:
            self.run_to_the_end(self.start_compaction(at_rest=True, whole=True))
        elif self.queue.indexed - self.queue.deleted:
            left = sorted(self.queue.indexed - self.queue.deleted)
            self.queue.delete(data.draw(st.sampled_from(left)))
            self.run_to_the_end(self.start_worker(self.queue.messages[-1]))
        if goes_on:
            self.run_to_the_end(merge)

    @precondition(lambda self: can_start(self) and not self.is_being_deleted)
    @rule(
        at_swap=st.booleans(),
        seconds=st.sampled_from([0.0, GRACE + 1, 2 * GRACE + 1]),
        goes_on=st.booleans(),
    )
    def a_writer_waits_while_sweeps_run(self, at_swap: bool, seconds: float, goes_on: bool) -> None:
        self.queue.upload(1)
        writer = self.start_worker(self.queue.messages[-1])
        self.run_until(writer, lambda: bool(writer.process.store.written))
        self.run_until(writer, lambda: writer.process.pending in (Request.READ, Request.SWAP))
        if at_swap:
            self.run_to_its_swap(writer)
        self.sweeps_run(seconds)
        if goes_on:
            self.run_to_the_end(writer)

    @precondition(lambda self: can_start(self) and not self.is_being_deleted)
    @rule(at_swap=st.booleans())
    def a_writer_waits_while_the_index_is_deleted(self, at_swap: bool) -> None:
        self.queue.upload(1)
        message = self.queue.messages[-1]
        writer = self.start_worker(message)
        if at_swap:
            self.run_to_its_swap(writer)
        self.run_to_the_end(self.start_deletion())
        self.run_to_the_end(writer)

    @rule(seconds=st.sampled_from([1.0, GRACE / 2, GRACE + 1, 2 * GRACE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    @precondition(lambda self: self.late)
    @rule()
    def a_late_request_lands(self) -> None:
        """Within a grace period: later than that none does, as the protocol assumes."""
        sent, request = self.late.pop(0)
        if self.now - sent <= GRACE:
            try:
                request()
            except (Conflict, PreconditionFailed):
                return

    # ---- what must hold

    @invariant()
    def every_state_passes_the_checker(self) -> None:
        type(self).steps += 1
        if self.shared.changes == self.changes_checked:
            return
        self.changes_checked = self.shared.changes
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
            self.run_to_the_end(running, Fate.KILLED_BEFORE)
        self.pass_time(GRACE)
        for message in list(self.queue.messages):
            self.run_to_the_end(self.start_worker(message))
        assert not self.queue.messages
        assert self.shared.images == self.queue.expected
        for _ in range(2):
            self.run_to_the_end(self.start_compaction(at_rest=True, whole=False))
        for _ in range(3):
            self.pass_time(2 * GRACE + 1)
            self.run_to_the_end(self.start_sweep())
        report = check(self.shared, KEY)
        assert [f for f in report.findings if f.defect is not Defect.STRANGE] == []
        assert report.spans <= REST_SPANS
        assert not [name for name in self.shared.objects if "/marks/" in name]
        assert self.shared.images == self.queue.expected
