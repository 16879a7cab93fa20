"""Search through the Lambda handler: which folders are asked, and what a result carries."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from glimpse.records import FolderStore, ImageStore
from glimpse.search_client import SearchHit

from tests.integration.api.uploading import index, new_folder


def test_results_carry_addresses_and_what_is_known(client: Any, search: Any) -> None:
    token = client.account()
    folder_id = new_folder(client, token, "summer", "beach/été.jpg", "b.jpg")
    index(folder_id, 1)
    index(folder_id, 2, taken_at=-(2**63))
    FolderStore().raise_index_version(folder_id, "space-1", 7)
    search.hits = [SearchHit(2, folder_id, 0.31), SearchHit(1, folder_id, 0.25)]
    answer = client.get("/api/images/search", token, query="  a sunset ", top_k=5)
    assert answer.status == 200
    best, second = answer.json["results"]
    assert search.asked == [
        {"user_id": 1, "query": "a sunset", "owners": {1: 1}, "versions": {1: {"space-1": 7}}, "top_k": 5}
    ]
    assert (best["image_id"], best["similarity"], best["taken_at"]) == (2, 0.31, None)
    image, original = urlsplit(second.pop("image")), urlsplit(second.pop("original"))
    assert image.path.endswith("thumbnails/1/1/1.webp")
    assert original.path.endswith("uploads/1/1/1/%C3%A9t%C3%A9.jpg")
    for address in (image, original):
        assert 0 < int(parse_qs(address.query)["X-Amz-Expires"][0]) <= 3600
    assert second == {
        "similarity": 0.25,
        "image_id": 1,
        "folder_id": 1,
        "folder_name": "summer",
        "owner_id": 1,
        "file_name": "été.jpg",
        "width": 640,
        "height": 480,
        "taken_at": "2023-11-14T22:13:20Z",
    }


def test_an_image_whose_record_is_not_yet_finished_is_shown(client: Any, search: Any) -> None:
    token = client.account()
    folder_id = new_folder(client, token, "summer", "a.jpg")
    search.hits = [SearchHit(1, folder_id, 0.3)]
    (result,) = client.get("/api/images/search", token, query="x").json["results"]
    assert urlsplit(result["image"]).path.endswith("thumbnails/1/1/1.webp")


def test_deleted_failed_and_foreign_images_are_dropped(client: Any, search: Any) -> None:
    token, other = client.account(), client.account("grace")
    mine = new_folder(client, token, "summer", "a.jpg", "b.jpg", "c.jpg")
    hers = new_folder(client, other, "hers", "d.jpg")
    index(mine, 1)
    index(mine, 2)
    failed = ImageStore().get(mine, 3)
    assert failed
    ImageStore().mark_failed(failed, "It is broken.", sequencer="01")
    ImageStore().delete(mine, [2])
    search.hits = [SearchHit(image_id, mine, 0.5) for image_id in (3, 2, 1)] + [SearchHit(4, hers, 0.1)]
    results = client.get("/api/images/search", token, query="x").json["results"]
    assert [result["image_id"] for result in results] == [1]


@pytest.mark.parametrize(
    ("folder_ids", "asked"),
    [
        (None, {1, 2}),
        ("", {1, 2}),
        (" , ", {1, 2}),
        ("1", {1}),
        ("2,1", {1, 2}),
        ("1,3", {1}),
        ("1,777", {1}),
        ("1," + "9" * 30, {1}),
        (",".join(map(str, range(1, 20_001))), {1, 2}),
    ],
)
def test_folders_without_access_are_left_out(
    client: Any, search: Any, folder_ids: str | None, asked: set[int]
) -> None:
    token, other = client.account(), client.account("grace")
    new_folder(client, token, "one", "a.jpg")
    new_folder(client, token, "two", "b.jpg")
    new_folder(client, other, "hers", "c.jpg")
    query = {"query": "x"} | ({} if folder_ids is None else {"folder_ids": folder_ids})
    assert client.get("/api/images/search", token, **query).json == {"results": []}
    assert [set(question["owners"]) for question in search.asked] == [asked]


@pytest.mark.parametrize("folder_ids", ["3", "777"])
def test_nothing_is_asked_where_nothing_can_be_seen(client: Any, search: Any, folder_ids: str) -> None:
    token, other = client.account(), client.account("grace")
    new_folder(client, other, "hers", "c.jpg")
    answer = client.get("/api/images/search", token, query="x", folder_ids=folder_ids)
    assert (answer.status, answer.json) == (200, {"results": []})
    assert search.asked == []


def test_a_folder_that_is_being_erased_is_not_searched(client: Any, search: Any) -> None:
    token = client.account()
    folder_id = new_folder(client, token, "one", "a.jpg")
    client.json("DELETE", "/api/folders", {"token": token, "folder_ids": [folder_id]})
    search.hits = [SearchHit(1, folder_id, 0.5)]
    assert client.get("/api/images/search", token, query="x").json == {"results": []}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"query": ""},
        {"query": "   "},
        {"query": "x" * 1001},
        {"query": "x", "top_k": -1},
        {"query": "x", "top_k": 501},
        {"query": "x", "top_k": "many"},
        {"query": "x", "top_k": "9" * 5000},
        {"query": "x", "folder_ids": "1;2"},
        {"query": "x", "folder_ids": "-1"},
        {"query": "x", "folder_ids": "1.5"},
        {"query": "x", "folder_ids": "١"},
    ],
)
def test_a_question_without_sense_is_422(client: Any, query: dict[str, object]) -> None:
    answer = client.get("/api/images/search", client.account(), **query)
    assert answer.status == 422
    assert answer.json["detail"]


@pytest.mark.parametrize("raw", ["query=%ff%fe", "query=%ed%a0%80", "query=a&query=b", "query=x&%&&=&"])
def test_an_odd_query_string_is_a_question_too(client: Any, raw: str) -> None:
    token = client.account()
    assert client.send("GET", "/api/images/search", query=f"{raw}&token={token}").status == 200


def test_search_that_does_not_answer_is_503_without_particulars(client: Any, search: Any) -> None:
    token = client.account()
    new_folder(client, token, "one", "a.jpg")
    search.broken = True
    answer = client.get("/api/images/search", token, query="x")
    assert answer.status == 503
    assert "502" not in answer.text
    assert isinstance(answer.json["detail"], str)


def test_what_is_dropped_does_not_count_as_relevant(client: Any, search: Any) -> None:
    token = client.account()
    mine = new_folder(client, token, "summer", *(f"{n}.jpg" for n in range(6)))
    for image_id in range(1, 7):
        index(mine, image_id)
    ImageStore().delete(mine, [2, 5])
    search.hits = [SearchHit(image_id, mine, 0.5) for image_id in range(1, 7)]
    search.relevant = 4
    answer = client.get("/api/images/search", token, query="x", top_k=6).json
    assert [result["image_id"] for result in answer["results"]] == [1, 3, 4, 6]
    assert (answer["relevant"], answer["next_offset"]) == (3, 6)
    # The same hits as a later page: two of them are among the first 12 of the ranking, one of those is shown.
    search.relevant = 12
    answer = client.get("/api/images/search", token, query="x", top_k=6, offset=10).json
    assert answer["relevant"] - 10 == 1
    assert (answer["next_offset"], "partial" in answer) == (16, False)


def test_the_last_page_has_no_next_one_and_a_partial_answer_says_so(client: Any, search: Any) -> None:
    token = client.account()
    new_folder(client, token, "summer", "a.jpg")
    search.partial = True
    answer = client.get("/api/images/search", token, query="x", top_k=6).json
    assert answer == {"results": [], "partial": True}


def test_next_goes_to_search_and_belongs_to_the_folders_that_were_asked_for(client: Any, search: Any) -> None:
    token = client.account()
    mine = new_folder(client, token, "summer", *(f"{n}.jpg" for n in range(3)))
    for image_id in range(1, 4):
        index(mine, image_id)
    search.hits = [SearchHit(image_id, mine, 0.5) for image_id in range(1, 4)]
    search.next, search.relevant = "opaque", 5
    for folders in ({}, {"folder_ids": str(mine)}):
        answer = client.get("/api/images/search", token, query="x", top_k=3, **folders).json
        search.offset = 3
        query = {"query": "x", "top_k": 3, "next": answer["next"]} | folders
        second = client.get("/api/images/search", token, **query).json
        assert (search.questions[-1][1].next, search.questions[-1][1].offset) == ("opaque", 0)
        assert (second["relevant"], second["next_offset"], second["next"]) == (5, 6, answer["next"])
        body = {"query": "x", "token": token, "next": answer["next"]}
        other = client.json("POST", "/api/images/search", body | {"folder_ids": [mine, mine + 1]})
        assert (other.status, other.json["detail"][:9]) == (422, "This next")
    for text in ("opaque", ".", "1234.", ".opaque", "\N{SNOWMAN}"):
        assert client.get("/api/images/search", token, query="x", next=text).status == 422
    both = client.get("/api/images/search", token, query="x", next=answer["next"], offset=1)
    assert (both.status, both.json["detail"][:9]) == (422, "Send next")


def test_warming_names_what_may_be_seen(client: Any, search: Any) -> None:
    token, other = client.account(), client.account("grace")
    mine = new_folder(client, token, "summer", "a.jpg")
    new_folder(client, other, "hers", "b.jpg")
    assert client.json("POST", "/api/search/warm", {"token": token}).status == 202
    assert client.json("POST", "/api/search/warm", {"folder_ids": [mine, 777]}, token).status == 202
    assert client.json("POST", "/api/search/warm", {}).status == 401
    assert search.warmed == [{mine: 1}, {mine: 1}]
    search.broken = True
    assert client.json("POST", "/api/search/warm", {}, token).status == 503
