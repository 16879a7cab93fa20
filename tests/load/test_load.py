"""Many clients at once, workers and the emulator killed: every promise is kept, in time and within memory."""

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.load.clients import LIMIT_SECONDS, Client, Watch
from tests.load.processes import Processes, Scales, wait_until
from tests.load.verdict import Judge, Verdict

SEED = 11

MOST_BYTES = 3_000_000_000

_DOWN_SECONDS = 180


@dataclass(frozen=True)
class Load:
    """How much of it: clients, seconds, and killed workers; the emulator is always killed once."""

    clients: int
    seconds: float
    worker_kills: int


LOADS = {"small": Load(8, 15, 4), "full": Load(40, 180, 20)}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack with nothing but what the clients make; it ends with the test, however that ends."""
    stack = Stack(tmp_path)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.mark.slow
def test_every_promise_is_kept_under_load(stack: Stack) -> None:
    load = LOADS[os.environ.get("LOAD", "full")]
    processes, watch = Processes(stack), Watch()
    clients = [Client(stack, number, watch, SEED) for number in range(load.clients)]
    stop = threading.Event()
    with Scales(processes) as scales, ThreadPoolExecutor(load.clients) as pool:
        try:
            for entering in [pool.submit(client.enter) for client in clients]:
                entering.result()
            deadline = time.monotonic() + load.seconds
            working = [pool.submit(client.work, deadline, stop) for client in clients]
            for each in working:
                each.add_done_callback(lambda ended: stop.set() if ended.exception() else None)
            _make_trouble(stack, processes, load, stop)
            for each in working:
                each.result()
        finally:
            stop.set()
        judge = Judge(stack)
        finished = judge.wait()
        verdict = judge.judge(clients)
    longest = max(watch.seconds)
    print(f"""
{load.clients} clients, {load.seconds:.0f} s; {len(watch.seconds)} requests: {dict(watch.answers)}
{watch.quantile(0.5):.1f} s the median, {watch.quantile(0.95):.1f} s for 95 %, {longest:.1f} s at most
    ({watch.slowest[1]})
{judge.images} images promised and there, {judge.failed} of them FAILED; all finished after {finished:.0f} s
{scales.most_workers} workers and {scales.most_bytes / 1e9:.2f} GB at most
{dict(scales.most_megabytes)} MB at most for one process""")
    assert verdict == Verdict()
    assert longest <= LIMIT_SECONDS
    assert scales.most_bytes < MOST_BYTES


def _make_trouble(stack: Stack, processes: Processes, load: Load, stop: threading.Event) -> None:
    """Kill workers one by one, and in the middle the emulator, which `make run` then starts again."""
    chance = random.Random(SEED)
    began = time.monotonic()
    pause = load.seconds / (load.worker_kills + 2)
    killed = 0
    for number in range(1, load.worker_kills + 2):
        if not wait_until(began + number * pause, stop):
            return
        if number == load.worker_kills // 2 + 1:
            processes.kill_emulator()
            stack.start()
            continue
        while not processes.kill_worker(chance):
            if stop.wait(0.05):
                return
            assert time.monotonic() < began + load.seconds + _DOWN_SECONDS, "no worker is left to kill"
        killed += 1
    assert killed == load.worker_kills
