"""Answers as old pages take them: with the contract's fields, and with refusals that can be shown."""

from typing import Any

import pytest
from glimpse.search_client import SearchHit
from pydantic import BaseModel, ConfigDict

from tests.integration.api.uploading import index, upload


class Strict(BaseModel):
    """An answer whose fields the contract lists in full."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Registered(Strict):
    id: int
    username: str


class LoggedIn(Strict):
    token: str
    user_id: int
    username: str
    message: str


class Message(Strict):
    message: str


class Uploaded(Strict):
    message: str
    folder_id: int
    uploaded_count: int
    job_id: int


class Folders(Strict):
    folders: list[dict[str, Any]]
    owned: list[dict[str, Any]]
    shared: list[dict[str, Any]]


class Refused(Strict):
    detail: str
    errors: list[dict[str, Any]]


CREDENTIALS = {"username": "grace", "password": "test123"}


def test_an_account_from_its_beginning_to_its_end(client: Any) -> None:
    Registered.model_validate_json(client.json("POST", "/api/users/register", CREDENTIALS).text)
    token = LoggedIn.model_validate_json(client.json("POST", "/api/users/login", CREDENTIALS).text).token
    folder = Uploaded.model_validate_json(upload(client, token, "summer", "a.jpg").text).folder_id
    Folders.model_validate_json(client.get("/api/folders", token).text)
    body = {"token": token, "folder_ids": [folder]}
    Message.model_validate_json(client.json("DELETE", "/api/folders", body).text)
    Message.model_validate_json(client.json("POST", "/api/users/logout", {"token": token}).text)
    token = client.json("POST", "/api/users/login", CREDENTIALS).json["token"]
    Message.model_validate_json(client.json("DELETE", "/api/users/delete", {"token": token}).text)


def test_no_results_to_show_means_as_many_as_usual(client: Any, search: Any) -> None:
    token = client.account()
    folder_id = upload(client, token, "one", *(f"{number}.jpg" for number in range(7))).json["folder_id"]
    for image_id in range(1, 8):
        index(folder_id, image_id)
    search.hits = [SearchHit(image_id, folder_id, 0.5) for image_id in range(1, 8)]
    asked = [client.get("/api/images/search", token, query="x", top_k=0)]
    asked.append(client.json("POST", "/api/images/search", {"query": "x", "top_k": 0}, token))
    assert [len(answer.json["results"]) for answer in asked] == [5, 5]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("register", {"username": "ab"}, "A username has 3 to 150 characters; choose another one."),
        ("register", {"username": "x" * 151}, "A username has 3 to 150 characters; choose another one."),
        ("register", {"password": "12345"}, "A password has 6 to 1,024 characters; choose another one."),
        ("register", {"username": None}, "username has to be text."),
        (
            "register",
            {"username": "a\u202eb"},
            "A username can't contain invisible characters; choose another one.",
        ),
        (
            "register",
            {"username": "\u3164" * 3},
            "A username needs visible characters; choose another one.",
        ),
        ("login", {"password": 5}, "password has to be text."),
    ],
)
def test_a_refused_name_or_password_is_a_sentence(
    client: Any, path: str, body: dict[str, object], sentence: str
) -> None:
    answer = client.json("POST", f"/api/users/{path}", CREDENTIALS | body)
    assert (answer.status, Refused.model_validate_json(answer.text).detail) == (422, sentence)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"query": ""}, "The query is empty; say what the images should show."),
        ({"query": "  "}, "The query is empty; say what the images should show."),
        ({"query": "x" * 1001}, "query is too long; it can have at most 1,000 characters."),
        ({"query": "x", "top_k": "many"}, "top_k has to be a whole number."),
        ({"query": "x", "top_k": -1}, "top_k has to be 0 or more."),
        ({"query": "x", "top_k": 501}, "top_k has to be 500 or less."),
        ({"query": "x", "folder_ids": "1;2"}, "folder_ids must be whole numbers, separated by commas."),
        ({"query": "x", "exact": "perhaps"}, "exact has to be true or false."),
    ],
)
def test_a_refused_question_is_a_sentence(client: Any, query: dict[str, object], sentence: str) -> None:
    answer = client.get("/api/images/search", client.account(), **query)
    assert (answer.status, Refused.model_validate_json(answer.text).detail) == (422, sentence)


def test_an_upload_without_a_folder_is_a_sentence(client: Any) -> None:
    answer = client.form("/api/images/upload", {"token": client.account()}, [("a.jpg", b"x", "image/jpeg")])
    assert (answer.status, answer.json["detail"]) == (422, "The folder needs a name; choose one.")
