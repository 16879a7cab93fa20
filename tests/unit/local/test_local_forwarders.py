import gzip
import json
import threading
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from glimpse.search_client import Response, TransportError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from local.ports.forwarders import MULTIPART_LIMIT, api_forwarder, search_forwarder
from local.ports.guard import Access
from local.ports.listen import listen
from local.ports.servers import Servers

PAGE = "http://localhost:3000"
BASE = "http://localhost"
ACCESS = Access(origins=frozenset({PAGE}))


def api(gateway: str, *, gateway_limits: bool = False) -> Starlette:
    return api_forwarder(gateway, gateway_limits=gateway_limits, access=ACCESS, secret="the gateway's secret")


def search(service: "_Search") -> Starlette:
    return search_forwarder(service, access=Access(), secret="the operator's", where=Path("credentials.json"))


@pytest.fixture(scope="module")
def gateway() -> str:
    """An upstream that tells what it was asked; the address of its stage."""

    async def echo(request: Request) -> JSONResponse:
        body = await request.body()
        seen = {
            "method": request.method,
            "target": request.scope["raw_path"].decode() + "?" + request.url.query,
            "token": request.headers.get("token"),
            "bytes": len(body),
        }
        return JSONResponse(seen, status_code=201, headers={"access-control-allow-origin": "upstream"})

    listener = listen(0, "API_PORT")
    servers = Servers()
    servers.add(Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST", "DELETE"])]), listener)
    servers.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/stage"
    servers.stop()
    listener.close()


def test_a_request_is_passed_on_as_it_came(gateway: str) -> None:
    with TestClient(api(gateway), base_url=BASE) as client:
        answer = client.post("/a%2Fb?q=x%20y&q=z", content=b"12345", headers={"token": "t"})
    assert answer.status_code == 201
    assert answer.json() == {"method": "POST", "target": "/stage/a%2Fb?q=x%20y&q=z", "token": "t", "bytes": 5}


def test_the_pages_origin_is_named_once(gateway: str) -> None:
    with TestClient(api(gateway), base_url=BASE) as client:
        answer = client.get("/", headers={"origin": PAGE})
    assert answer.headers.get_list("access-control-allow-origin") == [PAGE]


def test_multipart_over_the_gateways_limit_is_refused_with_the_way_out(gateway: str) -> None:
    files = {"files": ("big.jpg", b"x" * MULTIPART_LIMIT)}
    with TestClient(api(gateway, gateway_limits=True), base_url=BASE) as client:
        refused = client.post("/api/images/upload", files=files)
        small = client.post("/api/images/upload", files={"files": ("small.jpg", b"x")})
        other = client.post("/", content=b"x" * (MULTIPART_LIMIT + 1))
    assert refused.status_code == 413
    assert "POST /api/uploads" in refused.json()["detail"]
    assert (small.status_code, other.status_code) == (201, 201)


def test_a_body_of_undeclared_length_is_measured(gateway: str) -> None:
    def chunks() -> object:
        for _ in range(5):
            yield b"x" * (MULTIPART_LIMIT // 4)

    headers = {"content-type": "multipart/form-data; boundary=x"}
    with TestClient(api(gateway, gateway_limits=True), base_url=BASE) as client:
        assert client.post("/", content=chunks(), headers=headers).status_code == 413


def test_without_the_limit_large_multipart_passes(gateway: str) -> None:
    files = {"files": ("big.jpg", b"x" * (MULTIPART_LIMIT + 1))}
    with TestClient(api(gateway), base_url=BASE) as client:
        assert client.post("/", files=files).json()["bytes"] > MULTIPART_LIMIT


def test_a_body_that_is_no_utf8_is_refused(gateway: str) -> None:
    with TestClient(api(gateway), base_url=BASE) as client:
        refused = client.post("/", content=b'{"query": "a \xff cat"}')
        other = client.post("/", content='{"query": "a \u00fc\u732b cat"}'.encode())
    assert refused.status_code == 400
    assert "UTF-8" in refused.json()["detail"]
    assert other.json()["bytes"] == 24


def test_a_header_that_is_not_ascii_is_passed_on_as_it_came(gateway: str) -> None:
    listener = listen(0, "API_PORT")
    servers = Servers()
    servers.add(api(gateway), listener)
    servers.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    answer = httpx.get(address, headers={"token": b"\xe9\xff"}, trust_env=False)
    servers.stop()
    listener.close()
    assert answer.json()["token"] == "\xe9\xff"


def test_an_unknown_method_is_refused_in_json(gateway: str) -> None:
    for app in (api(gateway), search(_Search(None))):
        with TestClient(app, base_url=BASE) as client:
            answer = client.request("PROPFIND", "/health")
        assert answer.status_code == 405
        assert "method" in answer.json()["detail"]


def test_options_that_are_no_preflight_are_answered_here(gateway: str) -> None:
    with TestClient(api(gateway), base_url=BASE) as client:
        assert client.options("/health").status_code == 204


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"errorMessage": "Worker process died", "errorType": "Runtime.HandlerError"}, "try again"),
        ({"detail": "Search is not to be had at the moment."}, "Search is not to be had at the moment."),
        (3, "try again"),
    ],
)
def test_an_error_is_a_sentence_also_when_a_worker_died(body: object, told: str) -> None:
    async def fail(_request: Request) -> JSONResponse:
        return JSONResponse(body, status_code=503)

    listener = listen(0, "API_PORT")
    servers = Servers()
    servers.add(Starlette(routes=[Route("/{path:path}", fail)]), listener)
    servers.start()
    with TestClient(api(f"http://127.0.0.1:{listener.getsockname()[1]}"), base_url=BASE) as client:
        answer = client.get("/health")
    servers.stop()
    listener.close()
    assert answer.status_code == 503
    assert told in answer.json()["detail"]


S3_REFUSAL = '<?xml version="1.0"?><Error><Code>InvalidArgument</Code></Error>'


@pytest.mark.parametrize(
    ("status", "kind", "body", "seen"),
    [
        (400, "application/xml", S3_REFUSAL, 400),
        (404, "application/json", '{"message": "Not Found"}', 404),
        (403, "text/plain", "Forbidden", 403),
        (200, "application/xml", S3_REFUSAL, 502),
    ],
)
def test_an_answer_in_an_emulators_words_is_replaced(status: int, kind: str, body: str, seen: int) -> None:
    answer = answered(PlainTextResponse(body, status, {"content-type": kind, "x-amz-request-id": "1"}))
    assert answer.status_code == seen
    assert answer.json()["detail"].endswith(".")
    assert "x-amz-request-id" not in answer.headers


def test_the_apis_own_refusals_and_pages_are_passed_on() -> None:
    body = gzip.compress(b'{"detail": "No."}')
    headers = {"content-type": "application/json", "content-encoding": "gzip", "www-authenticate": "Bearer"}
    refused = answered(StarletteResponse(body, 401, headers))
    assert (refused.status_code, refused.json()) == (401, {"detail": "No."})
    assert refused.headers["www-authenticate"] == "Bearer"
    page = answered(PlainTextResponse("<!doctype html>", 200, {"content-type": "text/html"}))
    assert (page.status_code, page.text) == (200, "<!doctype html>")


def test_nothing_that_storage_understands_is_passed_on() -> None:
    seen: dict[str, str] = {}
    answered(
        JSONResponse({}),
        seen,
        {
            "content-encoding": "aws-chunked",
            "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-date": "20260101T000000Z",
            "token": "t",
        },
    )
    assert seen["token"] == "t"
    assert not [name for name in seen if name.startswith("x-amz-") or name == "content-encoding"]


def answered(
    answer: StarletteResponse, seen: dict[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Return what a client is answered where an upstream answers so, which notes the headers it saw."""

    async def upstream(request: Request) -> StarletteResponse:
        if seen is not None:
            seen.update(request.headers)
        return answer

    listener = listen(0, "API_PORT")
    servers = Servers()
    servers.add(Starlette(routes=[Route("/{path:path}", upstream)]), listener)
    servers.start()
    with TestClient(api(f"http://127.0.0.1:{listener.getsockname()[1]}"), base_url=BASE) as client:
        told = client.get("/health", headers=headers)
    servers.stop()
    listener.close()
    return told


def test_a_gateway_that_hangs_up_is_told_in_one_sentence() -> None:
    listener = listen(0, "API_PORT")

    def hang_up() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with TestClient(api(f"http://127.0.0.1:{listener.getsockname()[1]}"), base_url=BASE) as client:
        answer = client.get("/health")
    thread.join()
    listener.close()
    assert answer.status_code == 502
    assert answer.json()["detail"].endswith("without sending a response.")


def test_a_gateway_that_is_gone_is_a_502() -> None:
    with TestClient(api("http://127.0.0.1:9/stage"), base_url=BASE) as client:
        answer = client.get("/health")
    assert answer.status_code == 502
    assert "can't be reached" in answer.json()["detail"]


class _Search:
    def __init__(self, answer: Response | None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, bytes]] = []

    def request(self, method: str, path: str, _headers: Mapping[str, str], body: bytes) -> Response:
        self.asked.append((method, path, body))
        if self.answer is None:
            raise TransportError("the function is gone")
        return self.answer


def test_search_is_invoked_with_the_request() -> None:
    service = _Search(Response(404, {"content-type": "application/json"}, b'{"detail": "none"}'))
    client = TestClient(search(service), base_url=BASE)
    answer = client.post("/api/search?x=1", json={"query": "a cat"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "none"})
    [(method, path, body)] = service.asked
    assert (method, path, json.loads(body)) == ("POST", "/api/search?x=1", {"query": "a cat"})


def test_a_search_function_that_does_not_answer_is_a_503() -> None:
    answer = TestClient(search(_Search(None)), base_url=BASE).get("/health")
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "the function is gone" in answer.json()["detail"]
