import asyncio
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.ports.admission import starting
from local.ports.listen import listen
from local.ports.servers import Servers


class Slow:
    """Servers whose application answers after a while; what a client was answered when they stopped."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        listener = listen(0, "API_PORT")
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.servers = Servers()
        routes = [Route("/waits/{seconds:float}", self._wait), Route("/blocks/{seconds:float}", self._block)]
        self.servers.add(Starlette(routes=routes), listener)
        self.servers.start()

    async def _wait(self, request: Request) -> Response:
        self.arrived.set()
        await asyncio.sleep(request.path_params["seconds"])
        return PlainTextResponse("done")

    async def _block(self, request: Request) -> Response:
        self.arrived.set()
        await run_in_threadpool(time.sleep, request.path_params["seconds"])
        return PlainTextResponse("done")

    def stopped_during(self, path: str) -> httpx.Response:
        answers: list[httpx.Response] = []
        client = threading.Thread(
            target=lambda: answers.append(httpx.get(self.address + path, timeout=20, trust_env=False))
        )
        client.start()
        assert self.arrived.wait(10)
        self.servers.stop()
        client.join()
        return answers[0]


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.servers.stop()


@pytest.mark.parametrize("path", ["/waits/10.0", "/blocks/4.0"])
def test_who_still_waits_when_the_servers_stop_is_told_so(
    slow: Slow, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = slow.stopped_during(path)
    assert answer.status_code == 503
    assert "stopping" in answer.json()["detail"]
    assert "Traceback" not in capfd.readouterr().err


def test_a_request_that_is_almost_done_is_answered(slow: Slow) -> None:
    answer = slow.stopped_during("/waits/0.1")
    assert (answer.status_code, answer.text) == (200, "done")


def test_who_asks_too_early_is_told_so_and_the_port_is_free_for_what_comes() -> None:
    listener = listen(0, "API_PORT")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    meanwhile, servers = Servers(), Servers()
    meanwhile.add(starting, listener.dup())
    meanwhile.start()
    with httpx.Client(trust_env=False) as client:
        early = client.post(url, content=b"x")
        assert (early.status_code, "starting" in early.json()["detail"]) == (503, True)
        assert int(early.headers["retry-after"]) > 0
        meanwhile.stop()
        servers.add(PlainTextResponse("here"), listener)
        servers.start()
        assert client.get(url).text == "here"
    servers.stop()
    listener.close()
