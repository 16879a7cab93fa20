"""Both transports against real servers on this machine: Lambda's Invoke API, and plain HTTP."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from glimpse.search_client import HttpTransport, InvokeTransport, SearchClient, SigV4Signer, TransportError

from tests.integration.search_client.lambda_server import LambdaServer


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def echo(event: Any, name: str) -> dict[str, Any]:
    """A function behind a gateway that says what it was asked."""
    if event["rawPath"] == "/bytes":
        return {"statusCode": 201, "body": "//4=", "isBase64Encoded": True, "headers": {"X-A": "b"}}
    if event["rawPath"] == "/broken":
        raise RuntimeError("secret inside")
    if event["rawPath"] == "/odd":
        return {"hello": "world"}
    return {"statusCode": 200, "body": json.dumps({"name": name, "event": event})}


@pytest.fixture
def lambda_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaServer]:
    with LambdaServer({"search": echo}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
        yield server


def test_an_invocation_carries_what_a_gateway_would_send(lambda_service: LambdaServer) -> None:
    transport = InvokeTransport("search", "java-backend")
    response = transport.request(
        "POST", "/search?a=1&b=%20", {"Content-Type": "application/json"}, b'{"a": 1}'
    )
    said = json.loads(response.body)
    event = said["event"]
    assert said["name"] == "search:java-backend"
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/search", "a=1&b=%20")
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["headers"] == {"content-type": "application/json"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)


def test_bytes_pass_both_ways(lambda_service: LambdaServer) -> None:
    transport = InvokeTransport("search")
    response = transport.request("PUT", "/bytes", {}, b"\xff\xfe")
    assert (response.status, response.headers, response.body) == (201, {"x-a": "b"}, b"\xff\xfe")
    event = json.loads(lambda_service.payloads[0])
    assert (event["body"], event["isBase64Encoded"]) == ("//4=", True)


def test_a_request_without_a_body_has_none(lambda_service: LambdaServer) -> None:
    InvokeTransport("search").request("GET", "/", {}, b"")
    assert "body" not in json.loads(lambda_service.payloads[0])


def test_what_takes_too_long_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def slow(_event: Any, _name: str) -> dict[str, Any]:
        over.wait(timeout=30)
        return {"statusCode": 200}

    with LambdaServer({"search": slow}) as server:
        transport = InvokeTransport("search", timeout_seconds=0.5, endpoint_url=server.url)
        try:
            with pytest.raises(TransportError):
                transport.request("POST", "/embed-images", {}, b"{}")
        finally:
            over.set()
        assert len(server.payloads) == 1


def test_endpoint_and_credentials_may_be_given(
    lambda_service: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable)
    monkeypatch.delenv("AWS_ENDPOINT_URL_LAMBDA")
    session = boto3.Session("AKIAEXAMPLE", "secret", region_name="eu-central-1")
    transport = InvokeTransport("search", session=session, endpoint_url=lambda_service.url)
    assert transport.request("GET", "/", {}, b"").status == 200


@pytest.mark.parametrize("path", ["/broken", "/odd"])
def test_a_function_that_fails_gives_no_response(lambda_service: LambdaServer, path: str) -> None:
    with pytest.raises(TransportError) as raised:
        InvokeTransport("search").request("GET", path, {}, b"")
    assert "secret inside" not in str(raised.value)


def test_a_function_that_does_not_exist_gives_no_response(lambda_service: LambdaServer) -> None:
    with pytest.raises(TransportError, match="ResourceNotFound"):
        InvokeTransport("elsewhere").request("GET", "/", {}, b"")


def test_more_than_lambda_takes_is_answered_here(lambda_service: LambdaServer) -> None:
    response = InvokeTransport("search").request("POST", "/search", {}, b"x" * 7_000_000)
    assert response.status == 413
    assert "6 MB" in json.loads(response.body)["detail"]
    assert lambda_service.payloads == []


class Web:
    """An HTTP server that notes requests and answers each alike."""

    def __init__(self) -> None:
        web = self
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                web.requests.append((self.command, self.path, headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.send_header("X-Answer", "yes")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    thread = threading.Thread(target=web.server.serve_forever, daemon=True)
    thread.start()
    yield web
    web.server.shutdown()
    web.server.server_close()
    thread.join()


def test_http_carries_the_request_as_it_is(web: Web) -> None:
    transport = HttpTransport(web.url + "/")
    headers = {"Content-Type": "application/json", "Host": "elsewhere", "Connection": "close"}
    response = transport.request("POST", "/search?a=1", headers, b'{"a": 1}')
    assert (response.status, response.body, response.headers["x-answer"]) == (200, b"{}", "yes")
    ((method, path, received, body),) = web.requests
    assert (method, path, body) == ("POST", "/search?a=1", b'{"a": 1}')
    assert received["content-type"] == "application/json"
    assert received["host"] == web.url.removeprefix("http://")


def test_the_client_works_over_http(web: Web) -> None:
    SearchClient(HttpTransport(web.url)).delete_index(1, 3)
    assert web.requests[0][:2] == ("DELETE", "/delete-index/1/3")


def test_a_server_that_is_not_there_gives_no_response(web: Web) -> None:
    web.server.server_close()
    with pytest.raises(TransportError):
        HttpTransport(web.url).request("GET", "/", {}, b"")


def test_a_signed_request_says_who_sends_it(web: Web) -> None:
    transport = HttpTransport(web.url, signer=SigV4Signer())
    transport.request("POST", "/search", {"content-type": "application/json"}, b"{}")
    headers = web.requests[0][2]
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "/eu-central-1/lambda/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == "session"
    assert headers["x-amz-date"]


def test_the_region_of_a_function_url_stands_in_its_name() -> None:
    url = "https://abc.lambda-url.us-west-2.on.aws/search"
    assert "/us-west-2/lambda/" in SigV4Signer().sign("GET", url, {}, b"")["Authorization"]


def test_without_credentials_nothing_can_be_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(TransportError, match="credentials"):
        SigV4Signer(session=boto3.Session()).sign("GET", "https://example.org", {}, b"")


def test_who_invokes_needs_no_http_client() -> None:
    code = (
        "import sys; from glimpse.search_client import InvokeTransport, SearchClient; "
        "sys.exit('httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
