"""What is no proper request is told so in JSON."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from local.ports.guard import MAX_HEADERS, MAX_TARGET
from local.ports.website import website
from tests.unit.local.upstream import ACCESS, Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    running = Upstream()
    yield running
    running.servers.stop()
    for listener in running.listeners:
        listener.close()


@pytest.fixture
def web() -> TestClient:
    return TestClient(website({"apiUrl": ""}, ACCESS), base_url="http://localhost:3000")


@pytest.mark.parametrize("size", [MAX_TARGET + 1, 15_000, 60_000, 70_000, 500_000])
def test_an_address_that_is_too_long_is_told_so(upstream: Upstream, size: int) -> None:
    for target in ("/" + "x" * size, "/api/images/search?query=" + "x" * size):
        status, answer = upstream.get(target)
        assert status == 414
        assert '"detail"' in answer


def test_an_address_of_the_largest_size_passes(upstream: Upstream) -> None:
    assert upstream.get("/" + "x" * (MAX_TARGET - 1))[0] == 200


def test_headers_that_are_too_large_are_told_so(upstream: Upstream) -> None:
    status, answer = upstream.get("/health", "Host: localhost", f"Token: {'x' * MAX_HEADERS}")
    assert status == 431
    assert '"detail"' in answer


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_a_body_of_two_lengths_is_a_400(upstream: Upstream, head: str) -> None:
    status, answer = upstream.raw(f"POST /api/users/login HTTP/1.1\r\nHost: localhost\r\n{head}")
    assert status == 400
    assert '"detail"' in answer


@pytest.mark.parametrize("name", ["Authorization", "Token", "Content-Type", "Content-Encoding"])
def test_a_header_that_says_two_things_is_a_400(upstream: Upstream, name: str) -> None:
    before = len(upstream.reached)
    status, answer = upstream.get("/api/folders", "Host: localhost", f"{name}: a", f"{name.upper()}: b")
    assert status == 400
    assert '"detail"' in answer
    assert len(upstream.reached) == before


@pytest.mark.parametrize("target", ["/a%0ab", "/api/%0D%0aX", "/%00", "/api/x%1f", "/%7F"])
def test_a_path_holds_no_control_characters(upstream: Upstream, web: TestClient, target: str) -> None:
    status, answer = upstream.get(target)
    assert status == 400
    assert '"detail"' in answer
    page = web.get(target)
    assert page.status_code == 400
    assert "detail" in page.json()


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: -1\r\n\r\n",
        "Content-Length: +5\r\n\r\nhello",
        "Content-Length: " + "9" * 30 + "\r\n\r\n",
        "Transfer-Encoding: rot13\r\n\r\n",
        "no header\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_in_json(upstream: Upstream, head: str) -> None:
    status, answer = upstream.raw(f"POST /api/users/login HTTP/1.1\r\nHost: localhost\r\n{head}")
    assert status in (400, 501)
    assert "application/json" in answer
    assert '"detail"' in answer
