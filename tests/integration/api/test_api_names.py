"""Accounts whose names look alike, and folders whose names can't be seen."""

from datetime import UTC, datetime
from typing import Any

import pytest

from functions.api.services.accounts import Passwords
from functions.api.services.ports import User
from functions.api.storage.look_alikes import LookModel
from functions.api.storage.models import UserModel, UsernameModel
from functions.api.storage.users import UserStore

PASSWORD = "test123"


def register(client: Any, name: str) -> int:
    body = {"username": name, "password": PASSWORD}
    return int(client.json("POST", "/api/users/register", body).status)


def login(client: Any, name: str, password: str = PASSWORD) -> Any:
    answer = client.json("POST", "/api/users/login", {"username": name, "password": password})
    return answer.json.get("username") if answer.status == 200 else answer.status


def made_before(user_id: int, name: str, password: str = PASSWORD) -> None:
    """Write an account as versions did that knew nothing of looks."""
    UsernameModel(name, user_id=user_id).save()
    hashed = Passwords().hash(password)
    UserModel(user_id, username=name, password_hash=hashed, created_at=datetime.now(UTC)).save()


def rows() -> list[str]:
    return sorted(row.look for row in LookModel.scan())


def test_one_account_for_names_that_look_alike(client: Any) -> None:
    assert register(client, "Ada") == 200
    for name in ("Ada", "ada", "ADA", " ada ", "\u0410da", "ａｄａ"):
        assert register(client, name) == 409
    assert register(client, "Adam") == 200
    assert [login(client, name) for name in ("Ada", "ada", "ADA", "adam", "Eva")] == [
        *["Ada"] * 3,
        "Adam",
        401,
    ]


def test_a_deleted_account_frees_every_name_that_looked_like_its_own(client: Any) -> None:
    before = rows()
    assert register(client, "PayPaI") == 200
    assert register(client, "paypal") == 409
    token = client.json("POST", "/api/users/login", {"username": "PayPaI", "password": PASSWORD}).json[
        "token"
    ]
    assert client.json("DELETE", "/api/users/delete", {"token": token}).status == 200
    assert [row for row in rows() if row not in before] in ([], [" complete"])
    assert register(client, "paypal") == 200


@pytest.mark.usefixtures("client")
def test_of_look_alikes_that_register_at_once_one_is_written() -> None:
    """Both have seen that the name is free: the write itself decides."""
    store, now = UserStore(), datetime.now(UTC)
    names = ["ad\u0430", "Ada", "ADA", "ada"]
    written = [store.create(User(100 + number, name, "hash", now)) for number, name in enumerate(names)]
    assert written == [True, False, False, False]
    assert [store.get(100 + number) is not None for number in range(4)] == written


def test_accounts_of_before_stay_apart_and_work_and_none_is_added_to_them(client: Any) -> None:
    made_before(101, "Ada", "of Ada 1")
    made_before(102, "ada", "of ada 2")
    made_before(103, "Bob", "of Bob 3")
    made_before(104, "\u3164\u3164\u3164", "of nobody 4")
    assert register(client, "ADA") == register(client, "bob") == 409
    assert login(client, "Ada", "of Ada 1") == "Ada"
    assert login(client, "ada", "of ada 2") == "ada"
    assert login(client, "ADA", "of Ada 1") == login(client, "ADA", "of ada 2") == 401, "it could be either"
    assert login(client, "BOB", "of Bob 3") == "Bob"
    assert login(client, "\u3164\u3164\u3164", "of nobody 4") == "\u3164\u3164\u3164"
    store = UserStore()
    for user_id in (101, 102):
        assert register(client, "ADA") == 409
        user = store.get(user_id)
        assert user is not None
        store.delete(user)
    assert register(client, "ADA") == 200


def test_an_account_of_before_that_is_deleted_first_leaves_nothing(client: Any) -> None:
    made_before(101, "Ada")
    store = UserStore()
    user = store.get(101)
    assert user is not None
    store.delete(user)
    assert rows() == []
    assert register(client, "ada") == 200


def test_an_import_may_bring_accounts_that_look_alike(client: Any) -> None:
    assert register(client, "Ada") == 200
    store, now = UserStore(), datetime.now(UTC)
    assert not store.create(User(101, "Ada", "hash", now), may_look_alike=True)
    assert store.create(User(101, "ada", "hash", now), may_look_alike=True)
    assert login(client, "Ada") == "Ada"
    assert login(client, "ADA") == 401
    assert register(client, "aDA") == 409


@pytest.mark.parametrize("name", ["\u200b", "\u202e a", "\ufe0f", "\u3164", "\u2800", "a\u2066b"])
def test_a_folder_that_can_not_be_seen_is_refused(client: Any, name: str) -> None:
    token = client.account()
    body = {"folderName": name, "files": [{"name": "a.jpg", "size": 1}]}
    answer = client.json("POST", "/api/uploads", body | {"token": token})
    assert answer.status == 422
    assert answer.json["detail"].startswith("A folder's name")
    assert answer.json["errors"][0]["loc"] == ["folderName"]
