"""Requests of a server that works on two at once."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.ports.admission import Admission
from local.ports.listen import listen
from local.ports.servers import Servers

MOST = 2


class Busy:
    """A server whose requests end when they are let go."""

    def __init__(self, **limits: Any) -> None:
        self.let_go = threading.Event()
        self.started = 0
        self._listener = listen(0, "API_PORT")
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._servers = Servers()
        app = Starlette(
            routes=[Route("/", self._answer, methods=["GET", "POST", "OPTIONS"])],
            middleware=[Middleware(Admission, most=MOST, **limits)],
        )
        self._servers.add(app, self._listener)
        self._servers.start()

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        self.started += 1
        while not self.let_go.is_set():
            await asyncio.sleep(0.01)
        return JSONResponse({"bytes": len(body), "sum": sum(body)})

    def wait_for(self, started: int) -> None:
        deadline = time.monotonic() + 5
        while self.started < started:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        self.let_go.set()
        self._servers.stop()
        self._listener.close()


@pytest.fixture
def busy() -> Iterator[Callable[..., Busy]]:
    servers: list[Busy] = []

    def make(**limits: Any) -> Busy:
        servers.append(Busy(**limits))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def ask(pool: ThreadPoolExecutor, server: Busy, count: int) -> list[Future[httpx.Response]]:
    return [pool.submit(httpx.get, server.url, timeout=10, trust_env=False) for _ in range(count)]


def test_few_are_worked_on_and_the_rest_waits(busy: Callable[..., Busy], pool: ThreadPoolExecutor) -> None:
    server = busy()
    asked = ask(pool, server, 10)
    server.wait_for(MOST)
    time.sleep(0.2)
    assert server.started == MOST
    server.let_go.set()
    assert [each.result().status_code for each in asked] == [200] * 10


def test_past_the_bound_of_requests_one_is_told_to_come_again(
    busy: Callable[..., Busy], pool: ThreadPoolExecutor
) -> None:
    server = busy(most_waiting=3)
    asked = ask(pool, server, MOST)
    server.wait_for(MOST)
    asked += ask(pool, server, 3)
    time.sleep(0.2)
    refused = httpx.get(server.url, trust_env=False)
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
    assert "try again" in refused.json()["detail"]
    server.let_go.set()
    assert {each.result().status_code for each in asked} == {200}


def test_past_the_bound_of_seconds_too(busy: Callable[..., Busy], pool: ThreadPoolExecutor) -> None:
    server = busy(patience_seconds=0.2)
    asked = ask(pool, server, MOST)
    server.wait_for(MOST)
    began = time.monotonic()
    assert httpx.get(server.url, trust_env=False).status_code == 503
    assert 0.2 <= time.monotonic() - began < 2
    server.let_go.set()
    assert {each.result().status_code for each in asked} == {200}
    assert httpx.get(server.url, trust_env=False).status_code == 200


def test_what_takes_too_long_is_answered_and_makes_room(
    busy: Callable[..., Busy], pool: ThreadPoolExecutor
) -> None:
    server = busy(answer_seconds=0.2)
    slow = [each.result() for each in ask(pool, server, MOST)]
    assert {each.status_code for each in slow} == {503}
    assert "may or may not" in slow[0].json()["detail"]
    server.let_go.set()
    assert {each.result().status_code for each in ask(pool, server, MOST)} == {200}


def test_a_slow_client_keeps_nobody_waiting(busy: Callable[..., Busy], pool: ThreadPoolExecutor) -> None:
    server = busy(patience_seconds=1)
    server.let_go.set()
    go_on = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"a"
        go_on.wait(5)
        yield b"b"

    slow = [
        pool.submit(httpx.post, server.url, content=slowly(), timeout=10, trust_env=False)
        for _ in range(MOST)
    ]
    time.sleep(0.2)
    assert httpx.get(server.url, trust_env=False).status_code == 200
    go_on.set()
    assert [each.result().json() for each in slow] == [{"bytes": 2, "sum": 195}] * MOST


def test_who_went_away_is_not_worked_for(busy: Callable[..., Busy], pool: ThreadPoolExecutor) -> None:
    server = busy()
    asked = ask(pool, server, MOST)
    server.wait_for(MOST)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(server.url, timeout=0.2, trust_env=False)
    time.sleep(0.2)
    server.let_go.set()
    assert {each.result().status_code for each in asked} == {200}
    assert server.started == MOST


@pytest.mark.parametrize("size", [0, 1, 2**18 - 1, 2**18, 2**18 + 1, 3_000_000])
def test_a_body_arrives_whole(busy: Callable[..., Busy], size: int) -> None:
    server = busy()
    server.let_go.set()
    body = bytes(number % 251 for number in range(size))
    answer = httpx.post(server.url, content=body, trust_env=False)
    assert answer.json() == {"bytes": size, "sum": sum(body)}


def test_preflights_wait_for_nobody(busy: Callable[..., Busy], pool: ThreadPoolExecutor) -> None:
    server = busy(most_waiting=0, patience_seconds=0.1)
    asked = ask(pool, server, MOST)
    server.wait_for(MOST)
    preflight = pool.submit(httpx.options, server.url, timeout=10, trust_env=False)
    server.wait_for(MOST + 1)
    server.let_go.set()
    assert preflight.result().status_code == 200
    assert {each.result().status_code for each in asked} == {200}
