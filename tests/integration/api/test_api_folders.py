"""Listing and deleting folders, through the Lambda handler."""

import json
from typing import Any

import pytest
from glimpse.records import FolderStore

from tests.integration.api.uploading import index, upload


def test_folders_are_listed_with_the_fields_of_the_contract(client: Any) -> None:
    token = client.account()
    for name in ("winter", "Autumn", "summer"):
        upload(client, token, name, "a.jpg")
    index(1, 1)
    listed = client.get("/api/folders", token).json
    assert [folder["folder_name"] for folder in listed["folders"]] == ["Autumn", "summer", "winter"]
    assert listed["owned"] == listed["folders"]
    assert listed["shared"] == []
    winter = listed["folders"][2]
    assert winter.pop("created_at").endswith("Z")
    assert winter == {
        "id": 1,
        "folder_name": "winter",
        "is_owner": True,
        "is_shared": False,
        "owner_id": 1,
        "owner_username": "ada",
        "permission": "owner",
        "shared_at": None,
        "image_count": 1,
        "is_public": False,
        "description": None,
    }
    assert client.get("/api/folders", client.account("grace")).json["folders"] == []


def test_a_deleted_folder_is_gone_at_once_and_its_name_is_free(client: Any, aws: str, sqs: Any) -> None:
    token = client.account()
    upload(client, token, "summer", "a.jpg")
    upload(client, token, "winter", "b.jpg")
    answer = client.json("DELETE", "/api/folders", {"token": token, "folder_ids": [1]})
    assert answer.status == 200
    assert [folder["id"] for folder in client.get("/api/folders", token).json["folders"]] == [2]
    messages = sqs.receive_message(QueueUrl=aws, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [
        {"kind": "erase-folder", "owner_id": 1, "folder_id": 1}
    ]
    assert upload(client, token, "summer", "c.jpg").json["folder_id"] == 3
    # A second click finds it being erased, and once everything is gone it is like any unknown folder.
    assert client.json("DELETE", "/api/folders", {"token": token, "folder_ids": [1, 1]}).status == 200
    assert "Messages" not in sqs.receive_message(QueueUrl=aws)
    FolderStore().forget(1)
    assert client.json("DELETE", "/api/folders", {"token": token, "folder_ids": [1]}).status == 403


def test_a_folder_that_is_not_ones_own_stops_the_whole_deletion(client: Any) -> None:
    token, other = client.account(), client.account("grace")
    upload(client, token, "summer", "a.jpg")
    upload(client, other, "hers", "b.jpg")
    foreign = client.json("DELETE", "/api/folders", {"token": token, "folder_ids": [1, 2]})
    unknown = client.json("DELETE", "/api/folders", {"token": token, "folder_ids": [1, 777]})
    assert (foreign.status, unknown.status) == (403, 403)
    assert foreign.json == unknown.json
    assert len(client.get("/api/folders", token).json["folders"]) == 1


@pytest.mark.parametrize(
    "folder_ids",
    [[], "1", None, [0], [-1], [2**53], [True], ["x"], [1.5], list(range(1, 100_001)), ["x"] * 100_000],
)
def test_bad_folder_ids_are_422(client: Any, folder_ids: object) -> None:
    answer = client.json("DELETE", "/api/folders", {"token": client.account(), "folder_ids": folder_ids})
    assert answer.status == 422
    assert len(answer.text) < 10_000


def test_a_folder_stays_while_nobody_can_be_asked_to_erase_it(client: Any, aws: str, sqs: Any) -> None:
    token = client.account()
    upload(client, token, "summer", "a.jpg")
    sqs.delete_queue(QueueUrl=aws)
    answer = client.json("DELETE", "/api/folders", {"token": token, "folder_ids": [1]})
    assert answer.status == 503
    assert "try again" in answer.json["detail"]
    assert aws not in answer.text
    assert [folder["id"] for folder in client.get("/api/folders", token).json["folders"]] == [1]
