"""Who gets one of a function's few workers."""

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.emulator.workers import Slots, Workers

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


@pytest.mark.parametrize(
    ("event", "status", "is_error"),
    [({"requestContext": {}, "rawPath": "/api/folders"}, 503, None), ({"operation": "embed"}, None, True)],
)
def test_who_finds_no_worker_in_time_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], status: int | None, is_error: bool | None
) -> None:
    done = threading.Event()
    monkeypatch.setattr(lambda_svc, "_execute_function_warm", lambda *_: {"body": done.wait(5)})
    for module, name in [
        (lambda_runtime, "Worker"),
        (lambda_svc, "_run_sqs_batch"),
        (lambda_svc, "_sqs_esm_concurrency"),
    ]:
        monkeypatch.setattr(module, name, getattr(module, name))  # put back at the end
    Workers(1, patience_seconds=SOON).install()
    function = {"FunctionName": "api"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda_svc._execute_function_warm, function, event, "1")
        while not first.running():
            pass
        threading.Event().wait(SOON)
        answer = lambda_svc._execute_function_warm(function, event, "2")
        done.set()
        assert first.result() == {"body": True}
    assert (answer["body"].get("statusCode"), answer.get("error")) == (status, is_error)
    if status:
        assert int(answer["body"]["headers"]["retry-after"]) > 0
        assert "Try again" in json.loads(answer["body"]["body"])["detail"]
