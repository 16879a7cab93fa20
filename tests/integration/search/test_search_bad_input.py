"""Whatever a client sends is answered with a sentence, and never by a 5xx."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.search.service import EVENTS, SearchFunction

FOLDER = {"user_id": 1, "folder_id": 3}
IMAGE = {"image_id": 10, "file_path": "images/1/3/good/cat.jpg"}
QUESTION = {"user_id": 1, "query": "cat", "folder_ids": [3], "folder_owner_map": {"3": 1}}
NO_IDS: list[Any] = [-1, 2**53, 10**30, 1.5, True, "1", None, [], {}, float("nan"), float("inf")]

routes: dict[str, dict[str, Any]] = {
    "/create-index": FOLDER,
    "/embed-images": FOLDER | {"images": [IMAGE]},
    "/search": QUESTION,
}


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("path", routes)
@pytest.mark.parametrize("value", NO_IDS, ids=repr)
def test_what_is_no_id_is_refused(
    shared_function: SearchFunction, prefix: str, path: str, value: Any
) -> None:
    response = shared_function.call("POST", prefix + path, routes[path] | {"user_id": value})
    assert response.status == 422
    assert response.json["detail"].startswith("user_id ")
    (fault,) = response.json["errors"]
    assert set(fault) == {"type", "loc", "msg"}
    assert fault["loc"] == ["body", "user_id"]


@pytest.mark.parametrize("path", routes)
def test_what_is_missing_is_named(shared_function: SearchFunction, path: str) -> None:
    response = shared_function.call("POST", path, {})
    assert response.status == 422
    assert ["body", "user_id"] in [fault["loc"] for fault in response.json["errors"]]


@pytest.mark.parametrize("path", routes)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (None, 422),
        (b"", 422),
        (b"{", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"12", 422),
        (b"NaN", 422),
        (b"\xff\xfe\x00", 400),
        (b'{"user_id": "\xff"}', 400),
        (b'{"user_id": "\\ud800"}', 422),
        (b"[" * 100_000, 400),
        (b'{"user_id": ' + b"1" * 5000 + b"}", 400),
        (b"user_id=1&folder_id=3", 422),
    ],
)
def test_what_is_no_json_object_is_refused(
    shared_function: SearchFunction, path: str, body: bytes | None, status: int
) -> None:
    response = shared_function.send("POST", path, body)
    assert response.status == status
    assert list(response.json) == (["detail"] if status == 400 else ["detail", "errors"])
    assert response.json["detail"].endswith(".")


@pytest.mark.parametrize(
    "fields",
    [
        {"query": ""},
        {"query": "  \n "},
        {"query": "x" * 1_000_000},
        {"query": "\ud800"},
        {"query": 5},
        {"query": []},
        {"top_k": -1},
        {"top_k": 10**9},
        {"top_k": 1001},
        {"top_k": True},
        {"top_k": "5"},
        {"top_k": 2.5},
        {"folder_ids": None},
        {"folder_ids": "1,2"},
        {"folder_ids": {"1": 2}},
        {"folder_ids": [3, -3]},
        {"folder_ids": [3, None]},
        {"folder_ids": ["x"] * 200_000},
        {"folder_owner_map": []},
        {"folder_owner_map": {"x": 1}},
        {"folder_owner_map": {"-3": 1}},
        {"folder_owner_map": {"3": -1}},
        {"folder_owner_map": {"3": "1"}},
        {"folder_owner_map": {"\ud800": 1}},
        {"folder_owner_map": {f"x{i}": 1 for i in range(50_000)}},
        {"versions": {"3": {"tiny-1": -1}}},
        {"versions": {"3": 1}},
        {"versions": {"3": None}},
        {"versions": [1]},
    ],
    ids=lambda fields: json.dumps(fields)[:40],
)
def test_a_question_that_means_nothing_is_refused(
    shared_function: SearchFunction, fields: dict[str, Any]
) -> None:
    response = shared_function.call("POST", "/search", QUESTION | fields)
    assert response.status == 422
    assert response.json["detail"].endswith(".")
    assert 1 <= len(response.json["errors"]) <= 20
    assert len(response.text) < 20_000


@pytest.mark.parametrize(
    "query", ["🐈" * 100, "x" * 10_000, "a\x00b", "a\u202eb", "' OR 1=1 --", "<script>", "%s{}"]
)
def test_a_query_is_just_words(shared_function: SearchFunction, query: str) -> None:
    response = shared_function.call("POST", "/search", QUESTION | {"query": query})
    assert (response.status, response.json) == (200, {"results": []})


@pytest.mark.parametrize(
    "images",
    [
        None,
        [],
        {},
        [None],
        [{}],
        ["images/1/3/cat.jpg"],
        [{"image_id": 10}],
        [IMAGE | {"image_id": "10"}],
        [IMAGE | {"file_path": ""}],
        [IMAGE | {"file_path": None}],
        [IMAGE | {"file_path": "\ud800"}],
        [IMAGE | {"file_path": "é" * 2049}],
        [None] * 100_000,
    ],
    ids=lambda images: json.dumps(images)[:40],
)
def test_images_that_cannot_be_are_refused(shared_function: SearchFunction, images: Any) -> None:
    response = shared_function.call("POST", "/embed-images", FOLDER | {"images": images})
    assert response.status == 422
    assert len(response.text) < 20_000


@pytest.mark.parametrize(
    "path", ["-1/3", "1/-3", "x/3", "1/1.5", f"{2**53}/3", f"1/{10**30}", "1/%00", "true/3", "NaN/3"]
)
def test_an_index_that_cannot_be_is_not_deleted(shared_function: SearchFunction, path: str) -> None:
    assert shared_function.call("DELETE", f"/delete-index/{path}").status == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/api/health", 404),
        ("GET", "/../etc/passwd", 404),
        ("DELETE", "/delete-index/1", 404),
        ("DELETE", "/delete-index/1/3/5", 404),
        ("GET", "/search", 405),
        ("POST", "/health", 405),
        ("PUT", "/create-index", 405),
        ("POST", "/delete-index/1/3", 405),
        ("BREW", "/search", 405),
    ],
)
def test_a_route_that_does_not_exist(
    shared_function: SearchFunction, method: str, path: str, status: int
) -> None:
    response = shared_function.call(method, path)
    assert response.status == status
    assert isinstance(response.json["detail"], str)


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.clear(),
        lambda event: event.pop("requestContext"),
        lambda event: event.pop("version"),
        lambda event: event.update(headers=None),
        lambda event: event.update(headers={"host": "a:b"}),
        lambda event: event.update(body="\ud800"),
        lambda event: event.update(body="abc", isBase64Encoded=True),
        lambda event: event.update(body=5),
        lambda event: event["requestContext"].update(http={}),
        lambda event: event["requestContext"]["http"].update(path=5),
        lambda event: event["requestContext"]["http"].update(method=None),
        lambda event: event.update(rawQueryString=None),
    ],
)
def test_an_event_that_no_gateway_sends(shared_function: SearchFunction, change: Any) -> None:
    event = json.loads((EVENTS / "search_function_url.json").read_text())
    change(event)
    response = shared_function.invoke(event)
    assert response.status == 400
    assert isinstance(response.json["detail"], str)


@pytest.mark.parametrize("event", [None, [], "text", 5, {"Records": []}], ids=repr)
def test_an_event_that_is_no_request(shared_function: SearchFunction, event: Any) -> None:
    assert shared_function.invoke(event).status == 400


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "user_id": st.integers(0, 9) | anything,
        "folder_id": st.integers(0, 9) | anything,
        "query": st.text(max_size=9) | anything,
        "folder_ids": st.lists(st.integers(0, 9)) | anything,
        "folder_owner_map": st.dictionaries(
            st.integers(0, 9).map(str), st.dictionaries(st.sampled_from(["tiny-1", "b"]), st.integers(0, 9))
        )
        | anything,
        "images": st.lists(st.fixed_dictionaries({"image_id": anything, "file_path": anything})) | anything,
        "top_k": st.integers(1, 9) | anything,
        "versions": st.dictionaries(st.integers(0, 9).map(str), st.integers(0, 9)) | anything,
    },
)


@settings(deadline=None, max_examples=150)
@given(path=st.sampled_from(sorted(routes)), body=bodies | anything)
def test_no_body_breaks_the_service(shared_function: SearchFunction, path: str, body: Any) -> None:
    response = shared_function.call("POST", path, body)
    assert response.status in (200, 400, 404, 413, 422)
    assert isinstance(response.json, dict)
