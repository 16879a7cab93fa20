"""Accounts and sessions through the Lambda handler."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from glimpse.records import (
    FolderRecord,
    FolderStatus,
    Permission,
    RecordsContended,
    ShareRecord,
    ShareStore,
)

from functions.api.services.accounts import token_hash
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.models import FolderNameModel, SessionModel, UserModel

CREDENTIALS = {"username": "testuser", "password": "test123"}


def test_register_and_log_in(client: Any) -> None:
    registered = client.json("POST", "/api/users/register", CREDENTIALS)
    assert registered.status == 200
    assert registered.json == {"id": 1, "username": "testuser"}
    login = client.json("POST", "/api/users/login", CREDENTIALS)
    assert login.status == 200
    assert set(login.json) == {"token", "user_id", "username", "message"}
    assert (login.json["user_id"], login.json["username"]) == (1, "testuser")
    assert client.get("/api/folders", login.json["token"]).status == 200


def test_a_name_is_given_once(client: Any) -> None:
    client.json("POST", "/api/users/register", CREDENTIALS)
    again = client.json("POST", "/api/users/register", CREDENTIALS)
    assert again.status == 409
    assert isinstance(again.json["detail"], str)


@pytest.mark.parametrize(
    "body",
    [
        {"username": "ab", "password": "test123"},
        {"username": "  a  ", "password": "test123"},
        {"username": "testuser", "password": "12345"},
        {"username": "x" * 151, "password": "test123"},
        {"username": "testuser", "password": "x" * 1025},
        {"username": "a\u0000bc", "password": "test123"},
        {"username": "a\ud800bc", "password": "test123"},
        {"username": "abc", "password": "\udfffabcdef"},
        {"username": "\U0001d160" * 100, "password": "test123"},
        {"username": 5, "password": "test123"},
        {"username": "testuser"},
        [],
        None,
    ],
)
def test_a_bad_registration_is_422_and_repeats_no_input(client: Any, body: object) -> None:
    answer = client.json("POST", "/api/users/register", body)
    assert answer.status == 422
    assert answer.json["detail"]
    assert "test123" not in answer.text
    assert "12345" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"username": "testuser", "password": "wrong password"},
        {"username": "nobody at all", "password": "test123"},
        {"username": "", "password": ""},
        {"username": "\U0001d160" * 150, "password": "test123"},
    ],
)
def test_a_failed_login_does_not_tell_what_was_wrong(client: Any, body: object) -> None:
    client.json("POST", "/api/users/register", CREDENTIALS)
    answer = client.json("POST", "/api/users/login", body)
    assert answer.status == 401
    assert answer.json == {"detail": "The username or the password is wrong."}


def test_a_login_reads_as_much_for_an_unknown_name_as_for_a_known_one(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.json("POST", "/api/users/register", CREDENTIALS)
    reads: list[str] = []
    ask = BaseClient._make_api_call

    def watched(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        reads.append(f"{operation} {arguments['TableName']}")
        return ask(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", watched)
    seen = []
    for name in ("testuser", "nobody at all"):
        client.json("POST", "/api/users/login", {"username": name, "password": "wrong password"})
        seen.append(reads.copy())
        reads.clear()
    assert (
        seen[0]
        == seen[1]
        == ["GetItem glimpse-usernames", "GetItem glimpse-usernames", "GetItem glimpse-users"]
    )


def test_neither_token_nor_password_can_be_read_back(client: Any) -> None:
    token = client.account()
    dynamodb = boto3.client("dynamodb")
    tables = dynamodb.list_tables()["TableNames"]
    everything = str([dynamodb.scan(TableName=table)["Items"] for table in tables])
    assert token not in everything
    assert "correct horse" not in everything
    assert "$argon2id$" in everything


def test_logout_ends_one_session(client: Any) -> None:
    one = client.account()
    other = client.json("POST", "/api/users/login", {"username": "ada", "password": "correct horse"}).json[
        "token"
    ]
    assert client.json("POST", "/api/users/logout", {"token": one}).status == 200
    assert client.get("/api/folders", one).status == 401
    assert client.json("POST", "/api/users/logout", {"token": one}).status == 401
    assert client.get("/api/folders", other).status == 200


PLACES: dict[str, Callable[[Any, str], Any]] = {
    "bearer": lambda c, t: c.send("POST", "/api/users/logout", headers={"Authorization": f"Bearer {t}"}),
    "header": lambda c, t: c.send("POST", "/api/users/logout", headers={"token": t}),
    "json": lambda c, t: c.json("POST", "/api/users/logout", {"token": t}),
    "json without a type": lambda c, t: c.send(
        "POST", "/api/users/logout", body=f'{{"token": "{t}"}}'.encode()
    ),
    "multipart": lambda c, t: c.form("/api/users/logout", {"token": t}),
    "form": lambda c, t: c.send(
        "POST",
        "/api/users/logout",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=f"token={t}".encode(),
    ),
    "query": lambda c, t: c.send("POST", "/api/users/logout", query={"token": t}),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_token_is_taken_from_every_place(client: Any, place: str) -> None:
    token = client.account()
    assert PLACES[place](client, "x" * 43).status == 401
    assert PLACES[place](client, token).status == 200


def test_the_first_place_with_a_token_counts(client: Any) -> None:
    token = client.account()
    headers = {"Authorization": f"Bearer {token}", "token": "wrong"}
    assert client.send("GET", "/api/folders", headers=headers, query={"token": "wrong"}).status == 200
    assert (
        client.send("GET", "/api/folders", headers={"token": "wrong"}, query={"token": token}).status == 401
    )
    basic = {"Authorization": "Basic YWRhOmFkYQ=="}
    assert client.send("GET", "/api/folders", headers=basic, query={"token": token}).status == 200


@pytest.mark.parametrize("token", ["", "x", "\u00e9", "x" * 100_000, "null"])
def test_a_token_that_cannot_be_one_is_401(client: Any, token: str) -> None:
    answer = client.send("GET", "/api/folders", query={"token": token})
    assert answer.status == 401
    assert isinstance(answer.json["detail"], str)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_an_expired_session_is_refused_though_its_item_is_still_there(client: Any) -> None:
    token = client.account()
    SessionModel(token_hash(token), user_id=1, expires_at=datetime.now(UTC) - timedelta(seconds=5)).save()
    assert client.get("/api/folders", token).status == 401


def test_using_a_session_keeps_it_alive(client: Any) -> None:
    token = client.account()
    SessionModel(token_hash(token), user_id=1, expires_at=datetime.now(UTC) + timedelta(minutes=5)).save()
    assert client.get("/api/folders", token).status == 200
    left = SessionModel.get(token_hash(token)).expires_at - datetime.now(UTC)
    assert left > timedelta(hours=11, minutes=59)


def test_a_deletion_that_broke_off_leaves_nothing_but_its_end(
    client: Any, aws: str, sqs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = client.account()
    for name in ("one", "two"):
        client.form(
            "/api/images/upload", {"token": token, "folderName": name}, [("a.jpg", b"x", "image/jpeg")]
        )
    with monkeypatch.context() as broken:
        hide = OwnedFolderStore.hide

        def hide_the_first(self: OwnedFolderStore, folder: FolderRecord) -> None:
            if folder.folder_name != "one":
                raise RecordsContended("busy")
            hide(self, folder)

        broken.setattr(OwnedFolderStore, "hide", hide_the_first)
        assert client.json("DELETE", "/api/users/delete", {"token": token}).status == 503
    again = client.json("POST", "/api/users/login", {"username": "ada", "password": "correct horse"})
    for each in (token, again.json["token"]):
        refused = client.get("/api/folders", each)
        assert (refused.status, "being deleted" in refused.json["detail"]) == (401, True)
    assert not OwnedFolderStore().create(FolderRecord(99, 1, "three", datetime.now(UTC)))
    assert client.json("DELETE", "/api/users/delete", {"token": again.json["token"]}).status == 200
    assert UserModel.count() == SessionModel.count() == FolderNameModel.count() == 0
    erased = {folder.status for folder in OwnedFolderStore().get_many([1, 2]).values()}
    assert erased == {FolderStatus.ERASING}


def test_deleting_an_account_frees_its_name_and_erases_its_folders(client: Any, aws: str, sqs: Any) -> None:
    token = client.account()
    other = client.json("POST", "/api/users/login", {"username": "ada", "password": "correct horse"}).json[
        "token"
    ]
    client.form("/api/images/upload", {"token": token, "folderName": "one"}, [("a.jpg", b"x", "image/jpeg")])
    shares = ShareStore()
    for user_id in (1, 2):
        shares.create(ShareRecord(77, user_id, user_id, Permission.VIEW, datetime.now(UTC)))
    assert client.json("DELETE", "/api/users/delete", {"token": token}).status == 200
    assert [share.user_id for share in shares.of_folder(77)] == [2]
    for gone in (token, other):
        assert client.get("/api/folders", gone).status == 401
    assert UserModel.count() == 0
    assert SessionModel.count() == 0
    messages = sqs.receive_message(QueueUrl=aws)["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [
        {"kind": "erase-folder", "owner_id": 1, "folder_id": 1}
    ]
    fresh = client.account()
    assert client.get("/api/folders", fresh).json["folders"] == []
