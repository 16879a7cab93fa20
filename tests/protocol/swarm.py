"""Many writer processes on one bucket, killed at random: ``python -m tests.protocol.swarm FOLDER``.

Reads its orders from ``orders.json`` in FOLDER; every writer notes there what it attempted and what was
acknowledged, before and after each commit. One process is imported and warm; writers are forked from it.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from glimpse.index import CommitContended, IndexKey, IndexMaintenance, IndexWriter, S3ObjectStore, VectorBatch

IMAGES = 4
"""Images in a batch."""

DIMENSION = 16
_MOST_SECONDS = 1500.0


@dataclass(frozen=True)
class Orders:
    """What the swarm does: which batches, by how many writers, and how many of those are killed."""

    bucket: str
    folders: int
    writers: int
    batches: int
    kills: int
    redeliver: bool
    seed: int


def index_key(folder: int) -> IndexKey:
    return IndexKey("glimpse", "space-1", 1, folder)


def image_ids(batch: int) -> list[int]:
    return list(range(batch * IMAGES, (batch + 1) * IMAGES))


def vectors_of(batch: int) -> VectorBatch:
    vectors = np.random.default_rng(batch).standard_normal((IMAGES, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return VectorBatch(np.array(image_ids(batch)), vectors, np.zeros(IMAGES, np.int64))


def noted(folder: Path, what: str) -> set[int]:
    """Batches of which somebody noted that they were "attempted" or "acknowledged"."""
    found: set[int] = set()
    for path in folder.glob("writer-*.log"):
        for line in path.read_text().splitlines():
            word, _, number = line.partition(" ")
            if word == what and number.endswith("."):  # else the writer was killed in the middle of the line
                found.add(int(number[:-1]))
    return found


def write(orders: Orders, folder: Path, slot: int) -> None:
    """Commit the batches of one slot that nobody has attempted, or that nobody has had acknowledged."""
    settled = noted(folder, "acknowledged" if orders.redeliver else "attempted")
    writer = IndexWriter(S3ObjectStore(orders.bucket), rng=random.Random(slot + time.time_ns()))
    with (folder / f"writer-{slot}.log").open("a") as log:
        log.write("\n")
        for batch in range(slot, orders.batches, orders.writers):
            if batch in settled:
                continue
            attempt = writer.begin(index_key(batch % orders.folders))
            print(f"attempted {batch}.", file=log, flush=True)
            while True:
                try:
                    attempt.commit(vectors_of(batch))
                    break
                except CommitContended:
                    if not orders.redeliver:
                        raise
            print(f"acknowledged {batch}.", file=log, flush=True)


def compact(orders: Orders, slot: int) -> None:
    """Compact one folder after the other until killed."""
    maintenance = IndexMaintenance(S3ObjectStore(orders.bucket), rng=random.Random(slot))
    chance = random.Random(slot)
    while True:
        key = index_key(chance.randrange(orders.folders))
        try:
            maintenance.compact(key, at_rest=chance.random() < 0.5)
            maintenance.sweep(key)
        except CommitContended:
            continue
        time.sleep(0.2)


def fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def run(orders: Orders, folder: Path) -> None:
    """Run all writers to their end; those that are killed are started again."""
    chance = random.Random(orders.seed)
    compactors = [fork(lambda slot=slot: compact(orders, slot)) for slot in range(2)]  # type: ignore[misc]
    start = lambda slot: fork(lambda: write(orders, folder, slot))  # noqa: E731
    running = {start(slot): slot for slot in range(orders.writers)}
    kills, deadline = orders.kills, time.monotonic() + _MOST_SECONDS
    try:
        while running and time.monotonic() < deadline:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in running:
                slot = running.pop(pid)
                if status:
                    running[start(slot)] = slot
            elif pid in compactors:
                raise RuntimeError(f"a compaction failed: status {status}")
            elif kills and chance.random() < 0.3:
                kills -= 1
                os.kill(chance.choice(list(running)), signal.SIGKILL)
            else:
                time.sleep(0.05)
        if running:
            raise RuntimeError(f"{len(running)} writers were still busy after {_MOST_SECONDS} s")
    finally:
        for pid in [*running, *compactors]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    run(Orders(**json.loads((place / "orders.json").read_text())), place)
