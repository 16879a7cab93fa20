"""Accounts, folders, images and jobs of earlier versions are what they were."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.upgrades.cloud import Cloud
from tests.upgrades.fixtures import WRITERS
from tests.upgrades.restoring import assert_says, taken_over

IMPORTED = {"ada": "correct horse", "bob": "pa55word!"}
"""What tests/integration/migration/old.py says, of whose accounts an import has made these."""

SEARCH = "/api/images/search?query=a+red+cat&top_k=10"


@pytest.fixture(scope="module", params=WRITERS)
def before(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with taken_over(request.param, tmp_path_factory.mktemp("models")) as given:
        yield given


def test_sessions_go_on_and_answers_are_the_same(before: tuple[Cloud, Any]) -> None:
    cloud, said = before
    asked = 0
    for username, answers in said["api"].items():
        for path, answer in answers.items():
            assert_says(cloud.api("GET", path, said["tokens"][username]), answer, path)
            asked += 1
    assert asked > 8


def test_passwords_open_the_accounts(before: tuple[Cloud, Any]) -> None:
    cloud, said = before
    for username in said["api"]:
        token = cloud.login(username, said["passwords"][username])
        assert_says(cloud.api("GET", "/api/folders", token), said["api"][username]["/api/folders"])
    for username, password in IMPORTED.items():
        token = cloud.login(username, password)
        folders = cloud.api("GET", "/api/folders", token)["owned"]
        assert [folder["folder_name"] for folder in folders if folder["image_count"] == 1]
        assert cloud.api("GET", SEARCH, token)["results"]
    with pytest.raises(AssertionError, match="401"):
        cloud.login("eva", "wrong")
    with pytest.raises(AssertionError, match="401"):
        cloud.login("finn", said["passwords"]["finn"])  # who has left


def test_names_stay_taken(before: tuple[Cloud, Any]) -> None:
    cloud, _ = before
    for name in ("eva", "EVA ", "\u0435va", "Zoe\u0308 U\u0308nal", "ada"):
        with pytest.raises(AssertionError, match="409"):
            cloud.api("POST", "/api/users/register", document={"username": name, "password": "another one"})


def test_other_backends_find_their_images(before: tuple[Cloud, Any]) -> None:
    cloud, said = before
    question, answer = said["acme"]
    assert answer["results"]
    assert_says(cloud.search("POST", "/search", question, alias="acme"), answer)
