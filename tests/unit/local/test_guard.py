"""What the ports let in, by name, page, address and body."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from glimpse.search_client import Response as SearchResponse
from starlette.testclient import TestClient

from local.ports.forwarders import api_forwarder, search_forwarder
from local.ports.guard import Access
from local.ports.website import website
from local.settings import HOST
from tests.unit.local.upstream import ACCESS, LISTED, PAGE, Upstream

OPERATOR = {"x-glimpse-operator": "the operator's"}


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


def test_a_page_that_is_not_there_is_told_in_json(web: TestClient) -> None:
    for answer in (web.get("/nowhere.html"), web.post("/index.html", headers={"origin": PAGE})):
        assert answer.status_code in (404, 405)
        assert answer.json()["detail"].endswith(".")


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
