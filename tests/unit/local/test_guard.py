"""What the ports let in, by name, page, address and body."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from glimpse.search_client import Response as SearchResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from local.forwarders import api_forwarder, search_forwarder
from local.guard import MAX_HEADERS, MAX_TARGET, Access
from local.servers import Servers
from local.settings import HOST
from local.website import website

PAGE, LISTED = "http://localhost:3000", "https://photos.example.org"
ACCESS = Access(frozenset({"localhost", HOST, "photos.example.org"}), frozenset({PAGE, LISTED}))
OPERATOR = {"x-glimpse-operator": "the operator's"}


class Upstream:
    """A gateway that notes what reaches it, and a forwarder before it, on sockets."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.servers = Servers()
        self.listeners = [socket.create_server((HOST, 0)) for _ in range(2)]
        gateway, api = (listener.getsockname()[1] for listener in self.listeners)

        async def answer(request: Request) -> JSONResponse:
            self.reached.append(request.scope["raw_path"].decode())
            assert request.headers["x-glimpse-gateway"] == "the gateway's"
            return JSONResponse({})

        methods = ["GET", "POST", "DELETE"]
        self.servers.add(
            Starlette(routes=[Route("/{path:path}", answer, methods=methods)]), self.listeners[0]
        )
        forwarder = api_forwarder(
            f"http://{HOST}:{gateway}/stage", gateway_limits=False, access=ACCESS, secret="the gateway's"
        )
        self.servers.add(forwarder, self.listeners[1])
        self.servers.start()
        self.port = api

    def raw(self, request: str) -> tuple[int, str]:
        """Send bytes as no client would; the status and the answer."""
        with socket.create_connection((HOST, self.port), timeout=10) as connection:
            connection.sendall(request.encode())
            answer = b""
            while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        return int(answer.split()[1]), answer.decode()

    def get(self, target: str, *headers: str, method: str = "GET") -> tuple[int, str]:
        lines = [f"{method} {target} HTTP/1.1", *(headers or ("Host: localhost",)), "", ""]
        return self.raw("\r\n".join(lines))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    running = Upstream()
    yield running
    running.servers.stop()
    for listener in running.listeners:
        listener.close()


@pytest.mark.parametrize(
    "target",
    [
        "/../../../../_ministack/health",
        "/./api",
        "/api/..",
        "/api/%2e%2e/%2e%2e/_ministack/health",
        "/%2E./x",
        "/api/%252e%252e/x",
        "/api/%25252e%25252e/x",
        "/..%2fx",
        "/..\\x",
        "/..%5cx",
        "/a%5c..%5cx",
        "/..;/x",
        "http://127.0.0.1:4566/_ministack/health",
        "*",
    ],
)
def test_what_leaves_the_apis_paths_is_a_400(upstream: Upstream, target: str) -> None:
    before = len(upstream.reached)
    for method in ("GET", "POST"):
        status, answer = upstream.get(target, "Host: localhost", "Content-Length: 0", method=method)
        assert status == 400
        assert '"detail"' in answer
    assert len(upstream.reached) == before


@pytest.mark.parametrize("target", ["/_ministack/health", "/@connections/x", "//_aws/x", "/%5fministack"])
def test_other_paths_than_the_apis_are_none(upstream: Upstream, target: str) -> None:
    before = len(upstream.reached)
    assert upstream.get(target)[0] == 404
    assert len(upstream.reached) == before


@pytest.mark.parametrize("target", ["/", "/api/images/a%20b", "/health?next=../..", "/api/v1.0/..x", "/docs"])
def test_the_apis_paths_go_upstream_as_they_are(upstream: Upstream, target: str) -> None:
    assert upstream.get(target)[0] == 200
    assert upstream.reached[-1] == f"/stage{target.partition('?')[0]}"


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


def test_a_page_that_is_not_there_is_told_in_json(web: TestClient) -> None:
    for answer in (web.get("/nowhere.html"), web.post("/index.html", headers={"origin": PAGE})):
        assert answer.status_code in (404, 405)
        assert answer.json()["detail"].endswith(".")


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


class _Search:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, _method: str, path: str, _headers: object, _body: bytes) -> SearchResponse:
        self.asked.append(path)
        return SearchResponse(200, {"content-type": "application/json"}, b"{}")


@pytest.fixture
def searched() -> _Search:
    return _Search()


@pytest.fixture
def search(searched: _Search) -> TestClient:
    access = Access(ACCESS.hosts, frozenset({LISTED}))
    app = search_forwarder(searched, access=access, secret="the operator's", where=Path("credentials.json"))
    return TestClient(app, base_url="http://localhost:5000")


@pytest.fixture
def api(upstream: Upstream) -> Iterator[TestClient]:
    gateway = f"http://{HOST}:{upstream.listeners[0].getsockname()[1]}/stage"
    app = api_forwarder(gateway, gateway_limits=False, access=ACCESS, secret="the gateway's")
    with TestClient(app, base_url="http://localhost:9999") as client:
        yield client


@pytest.fixture
def web() -> TestClient:
    return TestClient(website({"apiUrl": ""}, ACCESS), base_url="http://localhost:3000")


@pytest.mark.parametrize("server", ["api", "search", "web"])
def test_a_server_answers_to_its_names_alone(server: str, request: pytest.FixtureRequest) -> None:
    client: TestClient = request.getfixturevalue(server)
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:9999", "photos.example.org"):
        assert client.get("/", headers={"host": host}).status_code == 200, host
    for host in (
        "rebound.example",
        "localhost.evil.example",
        "evil-localhost",
        "",
        "localhost:80:80",
        "[::1]",
    ):
        refused = client.get("/", headers={"host": host})
        assert refused.status_code == 403, host
        assert "GLIMPSE_ALLOWED_HOSTS" in refused.json()["detail"]
    assert client.get("/").headers["x-content-type-options"] == "nosniff"


def test_the_api_is_for_its_page_and_listed_ones(api: TestClient) -> None:
    for origin in (PAGE, LISTED):
        answer = api.post("/api/users/login", headers={"origin": origin}, json={})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
    itself = api.post("/api/users/login", headers={"origin": "http://localhost:9999"}, json={})
    assert itself.status_code == 200  # what /docs tries
    assert api.post("/api/users/login", json={}).status_code == 200  # curl, and other backends


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3001"},
        {"origin": "https://localhost:3000.evil.example"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_other_pages_can_do_nothing(
    api: TestClient, search: TestClient, searched: _Search, headers: dict[str, str]
) -> None:
    for client in (api, search):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
            answer = client.post("/search", headers={**headers, "content-type": kind}, content=b"{}")
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
    asked = {**headers, "access-control-request-method": "POST"}
    assert api.options("/api/users/login", headers=asked).status_code != 200
    assert not searched.asked


def test_search_is_for_listed_pages_alone(search: TestClient) -> None:
    listed = search.post("/search", headers={"origin": LISTED}, json={})
    assert (listed.status_code, listed.headers["access-control-allow-origin"]) == (200, LISTED)
    assert search.post("/search", headers={"origin": PAGE}, json={}).status_code == 403


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonx"]
)
def test_search_takes_bodies_that_say_that_they_are_json(
    search: TestClient, searched: _Search, kind: str | None
) -> None:
    headers = {"content-type": kind} if kind else {}
    refused = search.post("/create-index", content=b"{}", headers=headers)
    assert refused.status_code == 415
    assert "application/json" in refused.json()["detail"]
    chunked = search.post("/create-index", content=iter([b"{}"]), headers=headers)
    assert chunked.status_code == 415
    assert not searched.asked
    for good in ("application/json", "Application/JSON; charset=utf-8", "application/problem+json"):
        assert search.post("/create-index", content=b"{}", headers={"content-type": good}).status_code == 200
    assert search.delete("/delete-index/1/1").status_code == 200
    assert search.get("/health").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/models",
        "/models/rollback",
        "/api/models/finalize",
        "/%2fmodels",
        "/api//models/",
        "/%6dodels",
        "/Models",
        "/models;x",
    ],
)
def test_the_operators_routes_want_the_operators_secret(
    search: TestClient, searched: _Search, path: str
) -> None:
    for headers in ({}, {"x-glimpse-operator": "guessed"}):
        refused = search.post(path, headers=headers)
        assert refused.status_code == 403
        assert "credentials.json" in refused.json()["detail"]
    assert not searched.asked
    assert search.post(path, headers=OPERATOR).status_code == 200
