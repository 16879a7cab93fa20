"""The gate before the emulator: what is signed passes, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.gate.gate import SECRET_HEADER
from local.gate.signatures import Secret
from tests.unit.local.gated import BASE, PAGE, PORT, ROLE, SECRET, USER, Inner, Signer


@pytest.fixture
def inner() -> Inner:
    return Inner()


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "list_tables", {}),
    ("sqs", "send_message", {"QueueUrl": f"{BASE}/1/q", "MessageBody": "ü & \n"}),
    ("sts", "get_caller_identity", {}),
    (
        "lambda",
        "invoke",
        {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:a:b", "Payload": b"{}"},
    ),
    ("cloudformation", "describe_stacks", {"StackName": "Glimpse"}),
    (
        "s3",
        "put_object",
        {"Bucket": "index", "Key": "a b/ü+~(1)%2F'.bin", "Body": b"\0\1", "Metadata": {"x": "y"}},
    ),
    ("s3", "get_object", {"Bucket": "index", "Key": "a//b/;c=d", "Range": "bytes=0-3"}),
    ("s3", "list_objects_v2", {"Bucket": "index", "Prefix": "a b+ü/", "Delimiter": "/"}),
    ("s3", "delete_object", {"Bucket": "index", "Key": "x"}),
]


@pytest.mark.parametrize("key", [USER, ROLE])
@pytest.mark.parametrize(("service", "call", "parameters"), CALLS, ids=[call for _, call, _ in CALLS])
def test_what_boto3_signs_passes(
    inner: Inner, key: str, service: str, call: str, parameters: dict[str, Any]
) -> None:
    signed = Signer(key).sign(service, call, **parameters)
    assert inner.passes(**signed)
    assert inner.reached[-1][2] == signed["content"]


@pytest.mark.parametrize("body", ["UNSIGNED-PAYLOAD", None])
def test_an_unsigned_body_passes_for_s3_and_a_changed_one_never(inner: Inner, body: str | None) -> None:
    signer = Signer(sign_body=body is None)
    signed = signer.sign("s3", "put_object", Bucket="index", Key="k", Body=b"1234")
    if body is not None:
        assert signed["headers"]["X-Amz-Content-SHA256"] == body
    assert inner.passes(**signed)
    assert inner.passes(**{**signed, "content": b"1235"}) is (body is not None)


def test_a_body_without_a_signed_checksum_is_covered_all_the_same(inner: Inner) -> None:
    signed = Signer().sign("dynamodb", "delete_table", TableName="mine")
    assert not inner.passes(**{**signed, "content": signed["content"].replace(b"mine", b"else")})
    assert inner.passes(**signed)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("test", Secret("test")),
        ("000000000000", Secret("test")),
        ("AKIAUNKNOWN", Secret("x")),
        (USER, Secret("another's")),
        (USER, Secret("the user's", "a token that it doesn't have")),
        (ROLE, Secret("the role's")),
        (ROLE, Secret("the role's", "another token")),
    ],
)
@pytest.mark.parametrize(("service", "call"), [("dynamodb", "list_tables"), ("s3", "list_buckets")])
def test_other_credentials_are_refused(
    inner: Inner, key: str, secret: Secret, service: str, call: str
) -> None:
    signed = Signer(key, secret).sign(service, call)
    assert not inner.passes(**signed)


CHANGES: dict[str, Mapping[str, Any]] = {
    "another method": {"method": "DELETE"},
    "another path": {"url": f"{BASE}/index/other"},
    "a query": {"url": f"{BASE}/index/k?acl"},
    "an origin": {"headers": {"origin": "http://evil.example"}},
    "the page's origin": {"headers": {"origin": PAGE}},
    "another host": {"headers": {"host": f"rebound.example:{PORT}"}},
    "another port": {"headers": {"host": "localhost:80"}},
    "a header that S3 reads": {"headers": {"x-amz-copy-source": "/images/x"}},
    "a second key": {"url": f"{BASE}/index/k?X-Amz-Credential=test/20260101/us-east-1/s3/aws4_request"},
    "the emulator's route": {"method": "POST", "url": f"{BASE}/_ministack/reset"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_after_it_was_signed_is_refused(inner: Inner, change: Mapping[str, Any]) -> None:
    signed = Signer().sign("s3", "get_object", Bucket="index", Key="k")
    assert inner.passes(**signed)
    changed = {**signed, **change, "headers": {**signed["headers"], **change.get("headers", {})}}
    assert not inner.passes(**changed)


@pytest.mark.parametrize(("minutes", "passes"), [(-16, False), (-14, True), (14, True), (16, False)])
def test_a_clock_may_be_a_quarter_of_an_hour_off(inner: Inner, minutes: int, passes: bool) -> None:
    signed = Signer().sign("dynamodb", "list_tables")
    inner.now += timedelta(minutes=minutes)
    assert inner.passes(**signed) is passes


OWN_ROUTES = [
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/lambda-code/x"),
    ("GET", "/_ministack/sqs/messages"),
    ("PUT", "/_ministack/cfn-response/guessed"),
    ("PUT", "/_ministack/cfn-signal/guessed"),
    ("GET", "/_aws/execute-api/abc/$default/health"),
    ("GET", "/%5faws/execute-api/abc/$default/health"),
    ("GET", "/_aws/lambda-url/abc/"),
    ("GET", "/restapis/abc/s/_user_request_/x"),
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/images/uploads/1"),
    ("PUT", "/images/uploads/1"),
    ("DELETE", "/images"),
    ("GET", "/2015-03-31/functions"),
    ("OPTIONS", "/"),
    ("OPTIONS", "/images/uploads/1"),
    ("GET", "/health/../_ministack/reset"),
]


@pytest.mark.parametrize(("method", "path"), OWN_ROUTES)
def test_without_a_signature_nothing_is_open(inner: Inner, method: str, path: str) -> None:
    for headers in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert not inner.passes(method, path, headers=headers)


def test_a_signature_does_not_open_the_emulators_own_routes(inner: Inner) -> None:
    signer = Signer()
    for bucket, key in (("_ministack", "reset"), ("_aws", "execute-api/abc/x"), ("_localstack", "info")):
        signed = signer.sign("s3", "get_object", Bucket="index", Key="k")
        path = signed["url"].replace("/index/k", f"/{bucket}/{key}")
        assert not inner.passes(**{**signed, "url": path})


def test_the_forwarder_reaches_the_api_with_its_secret_which_goes_no_further(inner: Inner) -> None:
    path = "/_aws/execute-api/abc/$default/api/folders"
    assert not inner.passes("GET", path, headers={SECRET_HEADER: "guessed"})
    assert inner.passes("GET", path, headers={SECRET_HEADER: SECRET, "origin": PAGE})
    assert SECRET_HEADER not in inner.headers
    for said in ("AWS4-HMAC-SHA256 Credential=000000000000/x, SignedHeaders=, Signature=", "AWS test:x"):
        assert inner.passes("GET", path, headers={SECRET_HEADER: SECRET, "authorization": said})
        assert "authorization" not in inner.headers  # or the emulator would take it for an operator's
    assert inner.passes("GET", path, headers={SECRET_HEADER: SECRET, "authorization": "Bearer x"})
    assert inner.headers["authorization"] == "Bearer x"
    assert not inner.passes("POST", "/_ministack/reset", headers={SECRET_HEADER: SECRET})


def test_health_and_awaited_answers_pass(inner: Inner) -> None:
    assert inner.passes("GET", "/_localstack/health")
    assert inner.passes("PUT", "/_ministack/cfn-response/awaited", content=b"{}")
    assert not inner.passes("POST", "/_localstack/health")
    assert not inner.passes("GET", "/_localstack/health", headers={"origin": PAGE})
    assert not inner.passes("GET", "/_localstack/health", headers={"host": f"evil.example:{PORT}"})


def test_before_a_pages_request_the_browser_learns_that_the_page_alone_may(inner: Inner) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    ours = inner.send("OPTIONS", "/images", headers={**asked, "origin": PAGE})
    assert ours.headers["access-control-allow-origin"] == PAGE
    for path, origin in (("/images", "http://evil.example"), ("/index", PAGE), ("/", PAGE)):
        theirs = inner.send("OPTIONS", path, headers={**asked, "origin": origin})
        assert theirs.status_code == 403
        assert not [name for name in theirs.headers if name.startswith("access-control")]
    assert not inner.reached


def test_websockets_are_closed(inner: Inner) -> None:
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/_aws/execute-api/abc/x",
        "headers": [(b"host", f"localhost:{PORT}".encode())],
    }
    asyncio.run(inner.gate(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_header_that_counts_once_is_refused_twice(inner: Inner) -> None:
    signed = Signer().sign("dynamodb", "list_tables")
    twice = [*signed["headers"].items(), ("host", urlsplit(BASE).netloc), ("host", "evil.example")]
    assert not inner.passes(**{**signed, "headers": twice})


def test_a_refusal_speaks_the_clients_language(inner: Inner) -> None:
    for service, call in (
        ("dynamodb", "list_tables"),
        ("s3", "list_buckets"),
        ("sts", "get_caller_identity"),
    ):
        answer = inner.send(**Signer("AKIAUNKNOWN", Secret("x")).sign(service, call))
        assert "InvalidClientTokenId" in answer.text
    assert inner.send("GET", "/").json()["detail"] == "The request must be signed."
