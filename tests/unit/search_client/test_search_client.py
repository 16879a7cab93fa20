import json
from collections.abc import Mapping
from typing import Any

import pytest
from glimpse.errors import Conflicting, NoAccess, NotFound, ServiceError, TooLarge, Unavailable, Unusable
from glimpse.search_client import (
    EmbedReport,
    FailedImage,
    ImageFile,
    Response,
    SearchClient,
    SearchHit,
    SearchOptions,
    SearchQuery,
    SearchScope,
    TransportError,
)
from glimpse.search_request import ImagePart

SCOPE, QUERY = SearchScope(1, [3]), SearchQuery(query="x")
REFUSALS = [(403, NoAccess), (404, NotFound), (409, Conflicting), (413, TooLarge), (422, Unusable)]


class Canned:
    """A transport that always gives one answer."""

    def __init__(self, status: int, body: Any) -> None:
        self.response = Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
        self.requests: list[tuple[str, str, Any]] = []

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        assert headers["content-type"] == "application/json"
        self.requests.append((method, path, json.loads(body) if body else None))
        return self.response


def test_requests_are_those_of_the_contract() -> None:
    canned = Canned(200, {"message": "", "results": [], "indexed": [], "failed": [], "status": "healthy"})
    client = SearchClient(canned)
    client.create_index(1, 3)
    client.embed_images(1, 3, [ImageFile(10, "images/1/3/cat.jpg")])
    scope = SearchScope(1, [3, 5], {3: 1, 5: 2}, {3: {"space-1": 17}})
    client.search(scope, SearchQuery(query="sunset"), SearchOptions(top_k=7))
    client.warm(scope)
    client.delete_index(1, 3)
    client.models()
    client.reindex("abc")
    client.rollback_model()
    client.finalize_model()
    assert client.health()["status"] == "healthy"
    images = [{"image_id": 10, "file_path": "images/1/3/cat.jpg"}]
    folders = {
        "user_id": 1,
        "folder_ids": [3, 5],
        "folder_owner_map": {"3": 1, "5": 2},
        "versions": {"3": {"space-1": 17}},
    }
    include = ["relevant", "partial", "next", "offset"]
    assert canned.requests == [
        ("POST", "/create-index", {"user_id": 1, "folder_id": 3}),
        ("POST", "/embed-images", {"user_id": 1, "folder_id": 3, "images": images}),
        ("POST", "/search", folders | {"query": "sunset", "top_k": 7, "include": include}),
        ("POST", "/warm", folders),
        ("DELETE", "/delete-index/1/3", None),
        ("GET", "/models", None),
        ("POST", "/models/reindex", {"bundle_digest": "abc"}),
        ("POST", "/models/rollback", None),
        ("POST", "/models/finalize", None),
        ("GET", "/health", None),
    ]


def test_what_old_clients_do_not_know_is_asked_for() -> None:
    canned = Canned(200, {"results": [], "relevant": None, "partial": True})
    found = SearchClient(canned).search(SCOPE, QUERY)
    assert (found.relevant, found.partial) == (None, True)
    assert canned.requests[0][2]["include"] == ["relevant", "partial", "next", "offset"]


def test_answers_become_objects() -> None:
    hits = {"results": [{"image_id": 10, "score": 0.5, "folder_id": 3}], "new": "field"}
    assert SearchClient(Canned(200, hits)).search(SCOPE, QUERY).hits == [SearchHit(10, 3, 0.5)]
    failed = {"image_id": 11, "file_path": "images/1/3/b.jpg", "reason": "No image."}
    report = SearchClient(Canned(200, {"indexed": [10], "failed": [failed]})).embed_images(1, 3, [])
    assert report == EmbedReport([10], [FailedImage(11, "images/1/3/b.jpg", "No image.")])


@pytest.mark.parametrize(("status", "error"), REFUSALS)
def test_a_refusal_is_raised_as_the_service_raised_it(status: int, error: type[ServiceError]) -> None:
    fields = [{"type": "value_error", "loc": ["body", "query"], "msg": "Because."}]
    client = SearchClient(Canned(status, {"detail": "Because.", "errors": fields}))
    asked = SearchQuery(parts=[ImagePart(image_id=77, folder_id=3)])
    for request in (lambda: client.embed_images(1, 3, []), lambda: client.search(SCOPE, asked)):
        with pytest.raises(error) as raised:
            request()
        assert type(raised.value) is error
        assert (raised.value.detail, list(raised.value.errors)) == ("Because.", [])


def test_images_that_failed_one_and_all_are_reported() -> None:
    failed = {"image_id": 11, "file_path": "images/1/3/b.jpg", "reason": "No image."}
    client = SearchClient(Canned(422, {"detail": "None of them.", "errors": [failed]}))
    assert client.embed_images(1, 3, []) == EmbedReport(
        [], [FailedImage(11, "images/1/3/b.jpg", "No image.")]
    )


def test_without_a_response_search_is_unavailable() -> None:
    class Down:
        def request(self, *_: object) -> Response:
            raise TransportError("the function is gone")

    with pytest.raises(Unavailable, match="try again shortly") as raised:
        SearchClient(Down()).health()
    assert str(raised.value.__cause__) == "the function is gone"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"detail": "Later."}),
        (500, b"<html>"),
        (429, {}),
        (302, {}),
        (200, b""),
        (200, b"[]"),
        (200, b"\xff"),
        (200, {}),
        (200, {"results": None}),
        (200, {"results": [{}]}),
        (200, {"results": [{"image_id": "x", "folder_id": 3, "score": 1}]}),
    ],
)
def test_an_answer_that_cannot_be_used_is_no_answer(status: int, body: Any) -> None:
    with pytest.raises(Unavailable, match="try again shortly") as raised:
        SearchClient(Canned(status, body)).search(SCOPE, QUERY)
    assert "the search service" in str(raised.value.__cause__)
