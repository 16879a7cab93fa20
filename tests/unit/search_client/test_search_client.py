import json
from collections.abc import Mapping
from typing import Any

import pytest
from glimpse.questions import Asked, ImagePart
from glimpse.search_client import (
    EmbedReport,
    FailedImage,
    ImageFile,
    ImageNotFound,
    ImagesNotFound,
    Response,
    SearchClient,
    SearchHit,
    SearchRefused,
    SearchUnavailable,
    TooMuch,
)


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
    client.search(1, "sunset", [3, 5], {3: 1, 5: 2}, 7, {3: {"space-1": 17}})
    client.delete_index(1, 3)
    client.models()
    client.reindex("abc")
    client.rollback_model()
    client.finalize_model()
    assert client.health()["status"] == "healthy"
    images = [{"image_id": 10, "file_path": "images/1/3/cat.jpg"}]
    search = {
        "user_id": 1,
        "query": "sunset",
        "folder_ids": [3, 5],
        "folder_owner_map": {"3": 1, "5": 2},
        "top_k": 7,
        "versions": {"3": {"space-1": 17}},
    }
    assert canned.requests == [
        ("POST", "/create-index", {"user_id": 1, "folder_id": 3}),
        ("POST", "/embed-images", {"user_id": 1, "folder_id": 3, "images": images}),
        ("POST", "/search", search),
        ("DELETE", "/delete-index/1/3", None),
        ("GET", "/models", None),
        ("POST", "/models/reindex", {"bundle_digest": "abc"}),
        ("POST", "/models/rollback", None),
        ("POST", "/models/finalize", None),
        ("GET", "/health", None),
    ]


def test_what_old_clients_do_not_know_is_asked_for() -> None:
    canned = Canned(200, {"results": [], "relevant": None, "partial": True})
    found = SearchClient(canned).find(1, Asked(query="sunset"), [3], {3: 1})
    assert (found.relevant, found.partial) == (None, True)
    assert canned.requests[0][2]["include"] == ["relevant", "partial", "next", "offset"]


def test_answers_become_objects() -> None:
    hits = {"results": [{"image_id": 10, "score": 0.5, "folder_id": 3}], "new": "field"}
    assert SearchClient(Canned(200, hits)).search(1, "x", [3], {}) == [SearchHit(10, 3, 0.5)]
    failed = {"image_id": 11, "file_path": "images/1/3/b.jpg", "reason": "No image."}
    report = SearchClient(Canned(200, {"indexed": [10], "failed": [failed]})).embed_images(1, 3, [])
    assert report == EmbedReport([10], [FailedImage(11, "images/1/3/b.jpg", "No image.")])


@pytest.mark.parametrize(
    ("status", "error"), [(404, ImagesNotFound), (413, TooMuch), (409, SearchRefused), (422, SearchRefused)]
)
def test_a_refusal_keeps_its_sentence(status: int, error: type[SearchRefused]) -> None:
    with pytest.raises(error) as raised:
        SearchClient(Canned(status, {"detail": "Because."})).embed_images(1, 3, [])
    assert (raised.value.status, raised.value.detail) == (status, "Because.")


@pytest.mark.parametrize(
    ("status", "error"), [(404, ImageNotFound), (413, TooMuch), (409, SearchRefused), (422, SearchRefused)]
)
def test_a_refused_question_keeps_its_sentence(status: int, error: type[SearchRefused]) -> None:
    asked = Asked(parts=[ImagePart(image_id=77, folder_id=3)])
    with pytest.raises(error) as raised:
        SearchClient(Canned(status, {"detail": "Because."})).find(1, asked, [3], {})
    assert type(raised.value) is error
    assert (raised.value.status, raised.value.detail) == (status, "Because.")


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
    with pytest.raises(SearchUnavailable):
        SearchClient(Canned(status, body)).search(1, "x", [3], {})
