"""Rubbish through the real servers: each answer is JSON and says what is wrong, and none is a 5xx."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.rubbish import (
    API_BODIES,
    BROKEN_FORMS,
    CONTENT_TYPES,
    NOBODY,
    NUMBERS,
    PICTURE,
    RAW_BODIES,
    SEARCH_BODIES,
    TRICKY_NAMES,
    WRONG_VALUES,
)
from tests.e2e.stack import Stack, User


@pytest.fixture(scope="module")
def user(stack: Stack) -> Iterator[User]:
    """One for all tests here: none of them counts on what an account holds."""
    user = User(stack, f"vandal-{uuid.uuid4().hex[:12]}")
    yield user
    user.http.close()


def check(answer: httpx.Response) -> None:
    """An answer is JSON and no fault of the server; a refusal says in `detail` what is wrong."""
    told = (
        f"{answer.request.method} {str(answer.request.url)[:200]}: {answer.status_code} {answer.text[:500]}"
    )
    assert answer.status_code < 500, told
    if answer.request.method == "HEAD" or answer.status_code == httpx.codes.NO_CONTENT:
        return
    assert answer.headers["content-type"].startswith("application/json"), told
    body = answer.json()
    if answer.is_error:
        assert body["detail"], told
        assert "Traceback" not in answer.text, told


def put_wrong(body: dict[str, Any], value: object) -> list[dict[str, Any]]:
    """The body with each of its fields, inner ones too, replaced by a wrong value."""
    bodies = [{**body, field: value} for field in body] + [{**body, "token": value, "unknown": value}]
    for field, inner in body.items():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            bodies += [{**body, field: [wrong]} for wrong in put_wrong(inner[0], value)]
        elif isinstance(inner, list):
            bodies.append({**body, field: [value]})
        elif isinstance(inner, dict):
            bodies += [{**body, field: {"1": value}}, {**body, field: {str(value)[:1000]: 1}}]
    return bodies


@pytest.mark.parametrize(("turn", "value"), list(enumerate(WRONG_VALUES.values())), ids=WRONG_VALUES)
def test_wrong_values(user: User, search_service: httpx.Client, turn: int, value: object) -> None:
    for client, routes in ((user.http, API_BODIES), (search_service, SEARCH_BODIES)):
        for (method, path), body in routes.items():
            # A third of the fields, in turn: the functions' own tests put every value into every field.
            for wrong in put_wrong(body, value)[turn % 3 :: 3]:
                content = json.dumps(wrong).encode("utf-8", "surrogatepass")
                check(client.request(method, path, content=content))


ROUTES = [
    *API_BODIES,
    ("POST", "/api/users/logout"),
    ("POST", "/api/images/upload"),
    ("GET", "/api/folders"),
    ("GET", "/api/images/search?query=x"),
    ("DELETE", "/api/users/delete"),
]


@pytest.mark.parametrize("name", RAW_BODIES)
def test_bodies_that_are_not_what_they_say(
    stack: Stack, user: User, search_service: httpx.Client, name: str
) -> None:
    body = RAW_BODIES[name]
    with httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False) as stranger:
        for method, path in ROUTES:  # without a token, so that it is looked for everywhere
            check(stranger.request(method, path, content=body, headers={"content-type": "application/json"}))
    for method, path in (*API_BODIES, ("POST", "/api/images/upload")):
        check(user.http.request(method, path, content=body))
    for method, path in SEARCH_BODIES:
        check(search_service.request(method, path, content=body))


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_content_types_that_are_not_the_bodys(
    stack: Stack, user: User, search_service: httpx.Client, content_type: str
) -> None:
    headers = {"content-type": content_type}
    for body in (b'{"token": "x"}', b"--x\r\n\r\ntoken", b"token=%ff%00&token=x&folderName"):
        for path in ("/api/uploads", "/api/images/upload"):
            check(user.http.post(path, content=body, headers=headers))
            check(httpx.post(stack.api_url + path, content=body, headers=headers, trust_env=False))
        check(search_service.post("/search", content=body, headers=headers))


@pytest.mark.parametrize("name", BROKEN_FORMS)
def test_broken_forms(stack: Stack, user: User, name: str) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for client in (user.http, httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False)):
        check(client.post("/api/images/upload", content=BROKEN_FORMS[name], headers=headers))


@pytest.mark.parametrize("name", TRICKY_NAMES, ids=lambda name: ascii(name)[:20])
def test_tricky_names(user: User, name: str) -> None:
    form = [("files", (f"{name}.png", PICTURE, "image/png")), ("files", ("empty.png", b"", "image/png"))]
    check(user.http.post("/api/images/upload", data={"folderName": name}, files=form))
    folder_name = f"Tricky {uuid.uuid4()}"
    sent = user.http.post("/api/images/upload", data={"folderName": folder_name}, files=form)
    assert sent.status_code == 200, sent.text
    files = [{"name": f"{name}.png", "size": len(PICTURE)}, {"name": name or "x", "size": 0}]
    for folder in (name, folder_name):
        check(user.http.post("/api/uploads", json={"folderName": folder, "files": files}))
    status = user.finished(sent.json()["job_id"])
    assert [failure["name"] for failure in status["failed_images"]] == ["empty.png"]
    for folder in user.http.get("/api/folders").json()["owned"]:
        assert folder["folder_name"].strip()
    [shown] = user.search("anything", folder_ids=sent.json()["folder_id"])
    assert not {"/", "\\", "\x00", "\n"} & set(shown["file_name"])
    assert httpx.get(shown["original"], trust_env=False).content == PICTURE


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: ascii(number)[:20])
def test_numbers_in_addresses(user: User, search_service: httpx.Client, number: str) -> None:
    for path in (
        f"/api/images/job-status/{number}",
        f"/api/images/search?query=x&top_k={number}",
        f"/api/images/search?query=x&folder_ids={number}",
        f"/api/images/search?query=x&folder_ids=1,{number},,{number}&folder_ids={number}",
    ):
        check(user.http.get(path))
    check(search_service.delete(f"/delete-index/{number}/1"))
    check(search_service.delete(f"/api/delete-index/1/{number}"))


@pytest.mark.parametrize(
    "query",
    ["", " ", "%00", "%ff%fe", "%ed%a0%80", "%F0%9F%90%88" * 900, "a" * 60_000, "&&query", "x&query=y"],
)
def test_queries(user: User, query: str) -> None:
    check(user.http.get(f"/api/images/search?query={query}"))
    check(user.http.get("/api/images/search"))


def test_a_hundred_thousand_folders(user: User, search_service: httpx.Client) -> None:
    began = time.monotonic()
    ids = list(range(1, 100_001))
    for count in (100_000, 100_001):
        wanted = [*ids, NOBODY][:count]
        asked = {"user_id": NOBODY, "query": "a cat", "folder_ids": wanted, "top_k": 5}
        answer = search_service.post("/search", json=asked)
        check(answer)
        assert answer.is_success == (count == 100_000)
        owners = {str(folder_id): folder_id for folder_id in wanted}
        check(search_service.post("/search", json={**asked, "folder_owner_map": owners}))
    refused = user.http.request("DELETE", "/api/folders", json={"folder_ids": ids})
    check(refused)
    assert refused.is_error
    check(
        user.http.post(
            "/api/uploads", json={"folderName": "Many", "files": [{"name": "a.png", "size": 1}] * 50_000}
        )
    )
    long = user.http.get(
        "/api/images/search", params={"query": "x", "folder_ids": ",".join(map(str, ids[:9000]))}
    )
    check(long)
    assert time.monotonic() - began < 120


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
)
def test_routes_and_methods_that_do_not_exist(user: User, search_service: httpx.Client, method: str) -> None:
    paths = [
        "/nowhere",
        "/api/nowhere",
        "/api/users",
        "/api//folders",
        "/%2e%2e/",
        "/%00",
        "/%ff",
        "/api/folders/",
        "//",
    ]
    for client in (user.http, search_service):
        for path in [
            *paths,
            "/health",
            "/api/users/login",
            "/api/images/upload",
            "/search",
            "/api/embed-images",
        ]:
            check(client.request(method, path))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer " + "x" * 60_000},
        {"authorization": "Bearer \xff\xfe"},
        {"authorization": "Basic !!!"},
        {"authorization": "Bearer"},
        {"token": "x" * 10_000},
        {"token": "\xe9\x80"},
        {"cookie": "a=" + "b" * 30_000},
        {"x-large": "x" * 60_000},
        {f"x-{number}": "y" for number in range(90)},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"accept": "text/html", "x-forwarded-for": "'; drop table", "host": "elsewhere.example"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers(stack: Stack, search_service: httpx.Client, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    with httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False) as stranger:
        check(stranger.get("/api/folders", headers=raw))
        check(stranger.post("/api/users/login", content=b"{}", headers=raw))
    check(search_service.post("/search", content=b"{}", headers=raw))
