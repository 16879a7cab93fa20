"""Any number of writers, on a store that fails in every way: nothing is lost, nothing comes back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from glimpse.index import (
    AttemptExpired,
    EpochChanged,
    IndexKey,
    IndexReader,
    IndexWriter,
    RetryPolicy,
    StoreUnavailable,
    VectorBatch,
)
from glimpse.index.writer import Attempt
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from tests.unit.index.memory_store import Crash, Fault, FaultyStore, MemoryStore, land

KEY = IndexKey("glimpse", "space-1", 1, 3)
QUERY = np.array([1, 0], dtype=np.float32)
GRACE = 100.0
TRIES = 8
SLEEP = 20.0

some_ids = st.sets(st.integers(0, 5), max_size=3)
# Fewer than TRIES, so that a change comes through them all.
some_faults = st.dictionaries(st.integers(0, 6), st.sampled_from(Fault), max_size=4)
some_score = st.integers(1, 9)


@dataclass(frozen=True)
class Change:
    """What a commit meant to do, and the epoch that its attempt began in."""

    added: set[int]
    score: int
    removed: set[int]
    epoch: int


@dataclass(frozen=True)
class Begun:
    """A process in the middle of a change."""

    store: FaultyStore
    attempt: Attempt
    expires: float


class CommitProtocol(RuleBasedStateMachine):
    """Judges by the sequence of manifests that the store has seen: that is the order of all changes."""

    begun = Bundle("begun")

    def __init__(self) -> None:
        super().__init__()
        self.shared = MemoryStore()
        self.late: list[Callable[[], None]] = []
        self.now = 0.0
        self.interferences = 0
        self.deletions = 0
        self.changes: dict[str, Change] = {}
        self.promised: dict[str, int] = {}
        self.reader = IndexReader(
            self.shared, memory_budget_bytes=0, disk_budget_bytes=0, disk_dir=Path("unused")
        )

    # ---- what processes do

    def process(self) -> tuple[FaultyStore, IndexWriter]:
        store = FaultyStore(self.shared, self.late, self.interfere, lambda: self.now)
        writer = IndexWriter(
            store,
            policy=RetryPolicy(tries=TRIES),
            grace_seconds=GRACE,
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        return store, writer

    def sleep(self, _: float) -> None:
        self.now += SLEEP
        land(self.late)

    def interfere(self) -> None:
        """Somebody else's whole change, in the middle of a process's request."""
        self.interferences += 1
        image_id = self.interferences % 6
        store, writer = self.process()
        if self.interferences % 4 == 0:
            self.deletions += 1
            writer.delete(KEY)
        elif self.interferences % 4 == 1:
            self.run_commit(Begun(store, writer.begin(KEY), self.now + GRACE), set(), 5, {image_id})
        else:
            self.run_commit(Begun(store, writer.begin(KEY), self.now + GRACE), {image_id}, 5, {image_id})

    def run_commit(self, begun: Begun, added: set[int], score: int, removed: set[int]) -> None:
        promised_before = max(self.promised.values(), default=0)
        try:
            commit = begun.attempt.commit(_batch(added, score), sorted(removed))
        finally:
            change = Change(added, score, removed, begun.attempt.epoch)
            self.changes.update(dict.fromkeys(begun.store.written, change))
        assert commit.epoch == begun.attempt.epoch
        if added or removed:
            assert begun.store.written
            assert commit.version > promised_before
            self.promised.update(dict.fromkeys(begun.store.written, commit.version))

    @rule(target=begun, faults=some_faults)
    def begin(self, faults: dict[int, Fault]) -> Any:
        store, writer = self.process()
        store.fail(faults)
        try:
            return Begun(store, writer.begin(KEY), self.now + GRACE)
        except (Crash, StoreUnavailable):
            return multiple()

    @rule(begun=consumes(begun), faults=some_faults, added=some_ids, score=some_score, removed=some_ids)
    def commit(
        self, begun: Begun, faults: dict[int, Fault], added: set[int], score: int, removed: set[int]
    ) -> None:
        began_in_older_epoch = begun.attempt.epoch < self.epoch()
        begun.store.fail(faults)
        try:
            self.run_commit(begun, added, score, removed)
        except EpochChanged:
            assert begun.attempt.epoch < self.epoch()
        except AttemptExpired:
            assert self.now > begun.expires
        except Crash:
            pass
        else:
            assert not began_in_older_epoch
        assert begun.store.swapped_at <= begun.expires

    @rule(faults=some_faults)
    def create(self, faults: dict[int, Fault]) -> None:
        store, writer = self.process()
        store.fail(faults)
        try:
            writer.create(KEY)
        except Crash:
            return
        assert self.shared.manifests

    @rule(faults=some_faults)
    def delete(self, faults: dict[int, Fault]) -> None:
        epoch = self.epoch()
        self.deletions += 1
        store, writer = self.process()
        store.fail(faults)
        try:
            commit = writer.delete(KEY)
        except Crash:
            return
        assert commit.epoch > epoch

    @rule(seconds=st.sampled_from([1.0, GRACE / 2, GRACE + 1]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_late_request_lands(self) -> None:
        land(self.late)

    # ---- what must hold

    @rule(data=st.data())
    def a_search_sees_a_state_that_is_new_enough(self, data: st.DataObject) -> None:
        newest = self.manifests()[-1]["sequence"] if self.shared.manifests else 0
        version = data.draw(st.none() | st.just(newest) | st.integers(0, newest))
        versions = None if version is None else {KEY: version}
        answer = self.reader.search([KEY], QUERY, 100, versions)
        assert answer.problems == []
        found = {hit.image_id: round(hit.score * 10) for hit in answer.hits}
        assert len(found) == len(answer.hits)
        allowed = [self.state(m) for m in self.manifests() if m["sequence"] >= (version or 0)]
        if version is None:
            allowed = allowed[-1:]
        if (not version and not self.shared.manifests) or version == 0:
            allowed.append({})
        assert found in allowed

    @invariant()
    def every_change_follows_from_the_one_before(self) -> None:
        before: dict[str, Any] = {"sequence": 0, "epoch": 0, "objects": []}
        for manifest in self.manifests():
            assert manifest["sequence"] == before["sequence"] + 1
            assert manifest["epoch"] in (before["epoch"], before["epoch"] + 1)
            if manifest["epoch"] > before["epoch"]:
                assert manifest["objects"] == []
            new = [entry for entry in manifest["objects"] if entry not in before["objects"]]
            assert len(new) == len(manifest["objects"]) - len(before["objects"]) or not manifest["objects"]
            for entry in new:
                assert entry["sequence"] == manifest["sequence"]
                assert self.changes[KEY.object(entry["key"])].epoch == manifest["epoch"]
            before = manifest

    @invariant()
    def one_deletion_raises_the_epoch_once(self) -> None:
        assert self.epoch() <= self.deletions

    @invariant()
    def what_was_promised_happened_once(self) -> None:
        appearances: dict[str, int] = {}
        for manifest in self.manifests():
            for entry in manifest["objects"]:
                appearances.setdefault(KEY.object(entry["key"]), manifest["sequence"])
        for name, version in self.promised.items():
            assert appearances[name] == version

    @invariant()
    def nothing_that_is_named_is_missing(self) -> None:
        for manifest in self.manifests()[-1:]:
            assert all(KEY.object(entry["key"]) in self.shared.objects for entry in manifest["objects"])

    # ---- the model

    def epoch(self) -> int:
        return int(self.manifests()[-1]["epoch"]) if self.shared.manifests else 0

    def manifests(self) -> list[dict[str, Any]]:
        parsed = [json.loads(manifest) for manifest in self.shared.manifests]
        for manifest in parsed:
            manifest["objects"] = manifest["segments"] + manifest["tombstones"]
        return parsed

    def state(self, manifest: dict[str, Any]) -> dict[int, int]:
        """Best score per image, by doing what the changes meant in the order in which they got in."""
        in_order = {
            entry["sequence"]: self.changes[KEY.object(entry["key"])] for entry in manifest["objects"]
        }
        images: dict[int, int] = {}
        for _, change in sorted(in_order.items()):
            images = {image: score for image, score in images.items() if image not in change.removed}
            for image in change.added:
                images[image] = max(change.score, images.get(image, 0))
        return images


def _batch(ids: set[int], score: int) -> VectorBatch:
    """Vectors whose cosine with QUERY is score / 10."""
    cosine = score / 10
    vector = np.array([cosine, np.sqrt(1 - cosine**2)], dtype=np.float32)
    count = len(ids)
    return VectorBatch(
        np.array(sorted(ids), np.int64), np.tile(vector, (count, 1)), np.zeros(count, np.int64)
    )


TestCommitProtocol = CommitProtocol.TestCase
TestCommitProtocol.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
