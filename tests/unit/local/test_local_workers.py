"""Who gets one of a function's few workers."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from local.workers import Slots

SOON = 0.1


def _take(slots: Slots, *, is_batch: bool = False) -> bool:
    return slots.take(is_batch=is_batch, seconds=SOON)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_than_there_are(most: int) -> None:
    slots = Slots(most)
    assert [_take(slots) for _ in range(most + 1)] == [True] * most + [False]
    slots.give_back(is_batch=False)
    assert _take(slots)


@pytest.mark.parametrize(("most", "batches"), [(1, 1), (2, 1), (3, 2)])
def test_batches_leave_one_to_those_who_wait_for_an_answer(most: int, batches: int) -> None:
    slots = Slots(most)
    assert [_take(slots, is_batch=True) for _ in range(most + 1)].count(True) == batches
    assert _take(slots) is (most > 1)


def test_those_who_wait_for_an_answer_leave_one_to_batches() -> None:
    slots = Slots(2)
    assert _take(slots)
    assert _take(slots)
    with ThreadPoolExecutor(2) as pool:
        batch: Future[bool] = pool.submit(slots.take, is_batch=True, seconds=5)
        threading.Event().wait(SOON)
        answer = pool.submit(slots.take, is_batch=False, seconds=5)  # it came later
        slots.give_back(is_batch=False)
        assert batch.result()
        assert not answer.done()
        slots.give_back(is_batch=False)
        assert answer.result()
