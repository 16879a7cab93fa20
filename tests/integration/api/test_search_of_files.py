"""Questions that ask nothing, and what a result tells of its file."""

from typing import Any

import pytest
from glimpse.records import FileFacts, ImageStore
from glimpse.search_client import SearchHit

from tests.integration.api.uploading import index, upload


@pytest.mark.parametrize(
    "query",
    [
        "\x00\x07",
        "\u200b\u200d\ufeff",
        "\ue000\uf8ff",
        "\ufe0f",
        "\u2800",
        "\u3164 \u1160",
        "\u202e\u00ad",
        "\u0378 \uffff",
    ],
)
def test_a_query_of_which_nothing_is_seen_is_empty(client: Any, query: str) -> None:
    token = client.account()
    empty = client.get("/api/images/search", token, query=" ")
    unseen = client.get("/api/images/search", token, query=query)
    assert (unseen.status, unseen.json) == (422, empty.json)
    bodies = [{"query": text} for text in ("", query)]
    answers = [client.json("POST", "/api/images/search", body, token) for body in bodies]
    assert [answer.status for answer in answers] == [422, 422]
    assert answers[0].json == answers[1].json


@pytest.mark.parametrize("query", ["👨‍👩‍👧", "❤️", "क्ष", "a\u200bb", "مرحبا\u200f"])
def test_joined_letters_and_pictures_are_a_question(client: Any, query: str) -> None:
    assert client.get("/api/images/search", client.account(), query=query).status == 200


def test_a_result_tells_of_its_file_and_the_original_has_its_own_type(client: Any, search: Any) -> None:
    token = client.account()
    folder_id = upload(client, token, "summer", "a.jpg", "b.jpg").json["folder_id"]
    facts = FileFacts("2022-01-21", True, "The file lacks its end.", "image/heic")
    record = ImageStore().get(folder_id, 1)
    assert record
    ImageStore().mark_indexed(
        record,
        thumbnail_key="thumbnails/1/1/1.webp",
        width=2,
        height=1,
        taken_at=0,
        sequencer="01",
        facts=facts,
    )
    index(folder_id, 2)
    search.hits = [SearchHit(1, folder_id, 0.5), SearchHit(2, folder_id, 0.4)]
    told, plain = client.get("/api/images/search", token, query="x").json["results"]
    assert (told["taken_local"], told["taken_guessed"], told["note"]) == facts_of(facts)
    assert not {"taken_local", "taken_guessed", "note"} & plain.keys()
    assert "response-content-type=image%2Fheic" in told["original"]
    assert "response-content-type=image%2Fjpeg" in plain["original"]
    assert "response-content-type" not in told["image"]


def facts_of(facts: FileFacts) -> tuple[str | None, bool, str | None]:
    return facts.taken_local, facts.taken_guessed, facts.note
