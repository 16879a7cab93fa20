"""Welcome, health, logs, and whatever a client may send."""

import importlib
import json
import string
import sys
from pathlib import Path
from typing import Any

import pytest
from glimpse.settings import SettingsError, load
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.api.app import create_app
from functions.api.services.folders import FolderService
from functions.api.settings import ApiSettings
from functions.api.wiring import build_services

HANDLER = "functions.api.handler"
ROUTES = [
    ("GET", "/"),
    ("GET", "/api"),
    ("GET", "/health"),
    ("POST", "/api/users/register"),
    ("POST", "/api/users/login"),
    ("POST", "/api/users/logout"),
    ("DELETE", "/api/users/delete"),
    ("GET", "/api/folders"),
    ("DELETE", "/api/folders"),
    ("POST", "/api/images/upload"),
    ("GET", "/api/images/search"),
    ("GET", "/api/images/job-status/1"),
    ("POST", "/api/uploads"),
]


@pytest.mark.parametrize("path", ["/", "/api"])
def test_welcome(client: Any, path: str) -> None:
    assert "Glimpse" in client.get(path).json["message"]


@pytest.mark.parametrize(("broken", "model"), [(False, "demo"), (True, None)])
def test_health_names_the_model_where_search_answers(
    client: Any, search: Any, broken: bool, model: str | None
) -> None:
    search.broken = broken
    fresh = type(client)(create_app(build_services(load(ApiSettings), search)))
    assert {"status": "healthy", "model": model}.items() <= fresh.get("/health").json.items()


@pytest.mark.parametrize(("method", "path"), ROUTES[5:])
def test_every_other_route_needs_a_token(client: Any, method: str, path: str) -> None:
    assert client.send(method, path).status == 401
    assert client.send(method, path, headers={"Authorization": "Bearer nothing"}).status == 401


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe\xfd", b"[]", b"--b\r\n\r\n--b--"])
@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
@pytest.mark.parametrize(("method", "path"), ROUTES[5:])
def test_a_stranger_is_not_told_what_is_wrong_with_a_body(
    client: Any, method: str, path: str, content_type: str, body: bytes
) -> None:
    for credentials in ({}, {"Authorization": "Bearer nothing"}, {"token": "nothing"}):
        answer = client.send(method, path, headers={"Content-Type": content_type} | credentials, body=body)
        assert answer.status == 401


def test_a_user_is_told_what_is_wrong_with_a_body(client: Any) -> None:
    token = client.account()
    for places in ({"headers": {"token": token}}, {"query": {"token": token}}):
        answer = client.send("DELETE", "/api/folders", body=b"{", **places)
        assert answer.status == 422
        assert answer.json["detail"] == "The request's body is not valid JSON."
        assert answer.json["errors"][0]["type"] == "json_invalid"


@pytest.mark.parametrize("path", ["/nothing", "/api/", "/api/folders/", "/api/users/../admin", "/%00", "/é"])
def test_an_unknown_route_is_404(client: Any, path: str) -> None:
    answer = client.send("GET", path)
    assert answer.status == 404
    assert isinstance(answer.json["detail"], str)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "BREW"])
def test_an_unknown_method_is_405(client: Any, method: str) -> None:
    answer = client.send(method, "/api/folders")
    assert answer.status == 405
    assert isinstance(answer.json["detail"], str)


def test_a_surprise_is_answered_without_particulars(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("the secret table is glimpse-users")

    monkeypatch.setattr(FolderService, "visible", explode)
    answer = client.get("/api/folders", client.account())
    assert answer.status == 500
    assert "glimpse-users" not in answer.text
    assert isinstance(answer.json["detail"], str)


def test_an_environment_without_a_variable_names_it(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, HANDLER, raising=False)
    monkeypatch.delenv("GLIMPSE_JOBS_TABLE")
    with pytest.raises(SettingsError, match="GLIMPSE_JOBS_TABLE"):
        importlib.import_module(HANDLER)


def test_the_lambda_entry_point_answers_an_event(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, HANDLER, raising=False)
    module = importlib.import_module(HANDLER)
    event = json.loads((Path(__file__).parents[2] / "events" / "api_http_request.json").read_text())
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/api"
    assert module.handler(event, None)["statusCode"] == 200


NESTED = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
BODIES = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"\xff\xfe\xfd",
    b'{"token": "\xff"}',
    b'{"token": "\\ud800", "username": "\\ud800\\ud800", "password": "\\udfff\\udfff\\udfff"}',
    b'{"token": 1, "username": 1e400, "password": NaN}',
    b'{"folder_ids": [' + b"9" * 5000 + b"]}",
    b'{"folder_ids": [1e400, NaN, -Infinity], "folder_id": 1e308, "files": [{}]}',
    b'{"username": "a\\u0000b", "password": "a\\u0000bcdef"}',
    b"token=%ff&folderName=%00&files=x",
    b"--b\r\n\r\n--b--",
    b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    b'--b\r\nContent-Disposition: form-data; name="folderName"\r\n\r\n\\ud800\r\n--b\r\n'
    b'Content-Disposition: form-data; name="files"; filename="\\ud800.jpg"\r\n\r\nx\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg',
    NESTED,
]
TYPES = [
    "",
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=b; charset=unicode_escape",
    "multipart/form-data; boundary=b; charset=idna",
    "multipart/form-data; boundary=b; charset=rot13",
    "multipart/form-data; boundary=" + "b" * 500,
    "\u20ac/json",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_no_body_breaks_a_route(client: Any, content_type: str) -> None:
    token = client.account()
    headers = {"Content-Type": content_type} if content_type else {}
    for method, path in ROUTES:
        if method == "GET" or path == "/api/users/delete":
            continue  # the one reads no body, the other does what it says whatever the body
        # Without a valid token in a header, the body is searched for one.
        credentials = {} if path == "/api/users/logout" else {"Authorization": f"Bearer {token}"}
        for body in BODIES:
            answer = client.send(method, path, headers=headers | credentials, body=body, query="query=x")
            assert answer.status < 500, (method, path, content_type, body[:80], answer.text)
            assert len(answer.text) < 100_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "username",
    "password",
    "folder_ids",
    "folder_id",
    "folderName",
    "files",
    "name",
    "size",
    "content_type",
]
documents = st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6)
queries = st.dictionaries(
    st.sampled_from(["query", "top_k", "folder_ids", "x"]), st.text(string.printable, max_size=30), max_size=4
)


def test_no_document_breaks_a_route(client: Any) -> None:
    token = client.account()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(ROUTES), documents, queries)
    def check(route: tuple[str, str], document: dict[str, object], query: dict[str, str]) -> None:
        method, path = route
        if path in ("/api/users/delete", "/api/users/logout"):
            return
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        body = json.dumps(document).encode()
        answer = client.send(method, path, headers=headers, body=body, query=query)
        assert answer.status < 500, answer.text

    check()
