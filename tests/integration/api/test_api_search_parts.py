"""Search through the Lambda handler: what may be asked besides words."""

from typing import Any

import pytest
from glimpse.errors import Conflicting, NotFound, ServiceError, TooLarge, Unusable

from tests.integration.api.uploading import index, new_folder


def test_everything_reaches_the_search_service(client: Any, search: Any) -> None:
    token = client.account()
    mine = new_folder(client, token, "summer", "a.jpg")
    index(mine, 1)
    fields = {
        "query": " a cat ",
        "parts": [
            {"text": "snow", "weight": -0.5},
            {"image_id": 1, "folder_id": mine},
            {"image": "AAAA", "weight": 2},
            {"vector": [1.0, 0.5], "space_id": "space-1"},
        ],
        "offset": 5,
        "exact": True,
        "taken_from": "2024-01-01",
        "taken_until": "2024-05-01T00:00:00+02:00",
        "image_ids": [1, 2],
        "exclude_image_ids": [3],
    }
    body = fields | {"folder_ids": [mine, 777], "top_k": 7, "token": token}
    assert client.json("POST", "/api/images/search", body).json == {"results": []}
    ((query, options),) = search.questions
    sent = query.model_dump(mode="json") | options.model_dump(mode="json")
    assert sent["parts"][1] == {"image_id": 1, "folder_id": mine, "weight": 1.0}
    assert [part["weight"] for part in sent["parts"]] == [-0.5, 1.0, 2.0, 1.0]
    assert (sent["query"], sent["offset"], sent["exact"]) == ("a cat", 5, True)
    assert (sent["taken_from"], sent["taken_until"][:10]) == ("2024-01-01T00:00:00", "2024-05-01")
    assert (search.asked[0]["top_k"], search.asked[0]["owners"]) == (7, {mine: 1})


def test_an_image_to_search_by_may_lie_in_another_folder_of_ones_own(client: Any, search: Any) -> None:
    token = client.account()
    one, two = new_folder(client, token, "one", "a.jpg"), new_folder(client, token, "two", "b.jpg")
    index(two, 2)
    query = {"image_id": 2, "folder_id": two, "folder_ids": str(one)}
    assert client.get("/api/images/search", token, **query).status == 200
    assert search.asked[0]["owners"] == {one: 1}
    assert set(search.asked[0]["versions"]) == {one, two}


def test_images_that_are_unknown_unseen_or_gone_answer_alike(client: Any, search: Any) -> None:
    token, other = client.account(), client.account("grace")
    mine = new_folder(client, token, "summer", "a.jpg")
    hers = new_folder(client, other, "hers", "b.jpg")
    index(hers, 2)
    answers = [
        client.get("/api/images/search", token, image_id=image_id, folder_id=folder_id)
        for image_id, folder_id in [(2, hers), (2, 777), (99, mine)]
    ]
    search.refusal = NotFound("There is no image 1 in folder 1 to search by.")
    answers.append(client.get("/api/images/search", token, image_id=1, folder_id=mine))
    assert {(answer.status, answer.text) for answer in answers} == {
        (404, '{"detail":"There is no such image to search by."}')
    }


@pytest.mark.parametrize(("error", "status"), [(Conflicting, 409), (TooLarge, 413), (Unusable, 422)])
def test_what_search_refuses_is_said_in_its_words(
    client: Any, search: Any, error: type[ServiceError], status: int
) -> None:
    token = client.account()
    new_folder(client, token, "summer", "a.jpg")
    search.refusal = error("This is no picture.")
    answer = client.json("POST", "/api/images/search", {"parts": [{"image": "AAAA"}]}, token)
    assert (answer.status, answer.json) == (status, {"detail": "This is no picture."})


@pytest.mark.parametrize(
    "query",
    [
        {"image_id": 1},
        {"query": "x", "offset": -1},
        {"query": "x", "offset": "9" * 30},
        {"query": "x", "taken_from": "5"},
        {"query": "x", "taken_from": "2024-01-02", "taken_until": "2024-01-01"},
    ],
)
def test_a_filter_without_sense_is_422(client: Any, query: dict[str, object]) -> None:
    answer = client.get("/api/images/search", client.account(), **query)
    assert (answer.status, bool(answer.json["detail"])) == (422, True)
