"""`glimpse index`: what it says of an index, and what it does to it."""

import json
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from glimpse.index import IndexKey, IndexWriter, S3ObjectStore, VectorBatch
from glimpse.search_client.transport import Response
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import index as commands
from cli.main import app
from cli.target import Target
from deployment.errors import UserError

KEY = IndexKey("glimpse", "space-1", 1, 3)
TABLES = {
    "UsersTable": {"user_id": "N"},
    "UsernamesTable": {"username": "S"},
    "FolderNamesTable": {"owner_id": "N", "folder_name": "S"},
    "FoldersTable": {"folder_id": "N"},
    "ImagesTable": {"folder_id": "N", "image_id": "N"},
}


class Embedding:
    """The search service, as far as it embeds images again: `most` at a time, of those that are there."""

    def __init__(self, target: Any, most: int = 40) -> None:
        self.target, self.most, self.gone = target, most, set[int]()

    def request(self, method: str, path: str, headers: object, body: bytes) -> Response:  # noqa: ARG002
        asked = json.loads(body)
        files = {each["image_id"]: each["file_path"] for each in asked["images"]}
        assert (method, path, asked["user_id"], asked["folder_id"]) == ("POST", "/embed-images", 1, 3)
        assert files == {image_id: f"uploads/1/3/7/{image_id}" for image_id in files}
        if len(files) > self.most:
            return Response.problem(413, "Fewer at a time.")
        if files.keys() <= self.gone:
            return Response.problem(404, "None of the images exists.")
        there = sorted(files.keys() - self.gone)
        fill(self.target, KEY, there)
        failed = [
            {"image_id": image_id, "file_path": files[image_id], "reason": "There is no such file."}
            for image_id in sorted(files.keys() & self.gone)
        ]
        return Response(200, {}, json.dumps({"indexed": there, "failed": failed}).encode())


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        outputs = {"IndexBucket": "index", **{name: name for name in TABLES}}
        environment = Target("the test", "test", outputs, session, None).environment
        target = SimpleNamespace(outputs=outputs, client=session.client, environment=environment)
        target.embedding = Embedding(target)
        target.transport = lambda: target.embedding
        session.client("s3").create_bucket(Bucket="index")
        dynamodb = session.client("dynamodb")
        for table, keys in TABLES.items():
            dynamodb.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": t} for k, t in keys.items()],
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        put = dynamodb.put_item
        created = {"created_at": {"S": "2024-05-01T12:00:00.000000+0000"}}
        put(TableName="UsernamesTable", Item={"username": {"S": "ada"}, "user_id": {"N": "1"}})
        account = {"user_id": {"N": "1"}, "username": {"S": "ada"}, "password_hash": {"S": "$argon2id$"}}
        put(TableName="UsersTable", Item=account | created)
        name = {"owner_id": {"N": "1"}, "folder_name": {"S": "holidays"}, "folder_id": {"N": "3"}}
        put(TableName="FolderNamesTable", Item=name)
        put(TableName="FolderNamesTable", Item={**name, "folder_name": {"S": "99"}})
        put(TableName="UsernamesTable", Item={"username": {"S": "77"}, "user_id": {"N": "1"}})
        versions = {"M": {"space-1": {"N": "2"}}}
        record = {"folder_id": {"N": "3"}, "owner_id": {"N": "1"}, "index_versions": versions}
        record |= {"folder_name": {"S": "holidays"}, "status": {"S": "ACTIVE"}, **created}
        put(TableName="FoldersTable", Item=record)
        for image_id, status in ((10, "INDEXED"), (11, "INDEXED"), (12, "FAILED"), (13, "PENDING")):
            item = {"folder_id": {"N": "3"}, "image_id": {"N": str(image_id)}, "status": {"S": status}}
            item |= {"name": {"S": f"picture [{image_id}].jpg"}, "key": {"S": f"uploads/1/3/7/{image_id}"}}
            item |= {"owner_id": {"N": "1"}, "job_id": {"N": "7"}, "size": {"N": "9"}, **created}
            item |= {"content_type": {"S": "image/jpeg"}}
            put(TableName="ImagesTable", Item=item)
        fill(target, KEY)
        monkeypatch.setattr(commands, "resolve", lambda **_: target)
        yield target


def fill(target: Any, key: IndexKey, image_ids: Sequence[int] = (10, 11)) -> None:
    attempt = IndexWriter(S3ObjectStore("index", target.client("s3"))).begin(key)
    for image_id in image_ids:
        ids = np.array([image_id], np.int64)
        attempt.commit(VectorBatch(ids, np.eye(1, 8, dtype=np.float32), ids))


def glimpse(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["index", *arguments])


def segments(target: Any, key: IndexKey = KEY) -> list[str]:
    listed = target.client("s3").list_objects_v2(Bucket="index", Prefix=f"{key.prefix}segments/")
    return [entry["Key"] for entry in listed["Contents"]]


def versions(target: Any) -> dict[str, Any]:
    item = target.client("dynamodb").get_item(TableName="FoldersTable", Key={"folder_id": {"N": "3"}})["Item"]
    return dict(item["index_versions"]["M"])


def damage(target: Any, key: IndexKey = KEY) -> str:
    name = segments(target, key)[0]
    target.client("s3").put_object(Bucket="index", Key=name, Body=b"truncated")
    return name


@pytest.mark.parametrize(("user", "folder"), [("ada", "holidays"), ("1", "3"), ("ada", "99"), ("77", "99")])
def test_a_sound_index_is_said_to_be_sound(target: Any, user: str, folder: str) -> None:
    result = glimpse("check", user, folder)
    assert result.exit_code == 0, result.output
    assert f"{KEY.prefix}: sound. Version 2; 2 images can be found" in result.output


def test_a_name_may_be_spelled_as_any_keyboard_does(target: Any) -> None:
    name = {"owner_id": {"N": "1"}, "folder_name": {"S": "caf\u00e9"}, "folder_id": {"N": "3"}}
    target.client("dynamodb").put_item(TableName="FolderNamesTable", Item=name)
    assert glimpse("check", " ada", "cafe\u0301 ").exit_code == 0


def test_what_is_wrong_is_named_and_repaired(target: Any) -> None:
    name = damage(target)
    result = glimpse("check", "ada", "holidays")
    assert result.exit_code == 1
    assert f"error {name}: " in result.output
    assert "glimpse index repair" in result.output
    assert glimpse("repair", "ada", "holidays").exit_code == 1, "nobody has agreed"
    assert glimpse("check", "ada", "holidays").exit_code == 1
    repaired = glimpse("repair", "ada", "holidays", "--yes")
    assert repaired.exit_code == 0, repaired.output
    assert f"dropped {name}" in repaired.output
    assert "Up to 1 images must be embedded again." in repaired.output
    assert "Embedded again: 1 image (picture [1" in repaired.output
    assert glimpse("check", "ada", "holidays").exit_code == 0
    assert versions(target) == {"space-1": {"N": "3"}}, "searches look again"
    assert "nothing to repair" in glimpse("repair", "ada", "holidays").output


@pytest.mark.parametrize("is_held_on", [False, True])
def test_a_repair_tells_the_folder_also_while_uploads_hold_its_record(
    target: Any, monkeypatch: pytest.MonkeyPatch, *, is_held_on: bool
) -> None:
    damage(target)
    call = BaseClient._make_api_call  # type: ignore[attr-defined]
    held = ["once", "twice"]

    def hold(client: BaseClient, operation: str, parameters: object) -> object:
        if operation == "UpdateItem" and (held or is_held_on):
            del held[:1]
            error = {"Error": {"Code": "TransactionConflictException", "Message": "held"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]
        return call(client, operation, parameters)

    with monkeypatch.context() as uploads:
        uploads.setattr(BaseClient, "_make_api_call", hold)
        uploads.setattr("time.sleep", lambda _: None)
        repaired = glimpse("repair", "ada", "holidays", "--yes")
    assert not held
    assert (repaired.exit_code, isinstance(repaired.exception, UserError)) == (int(is_held_on), is_held_on)
    assert versions(target) == {"space-1": {"N": "2" if is_held_on else "3"}}
    again = glimpse("repair", "ada", "holidays")
    assert f"{KEY.prefix}: nothing to repair." in again.output
    assert versions(target) == {"space-1": {"N": "3" if is_held_on else "4"}}, "it is as new as the index"


@pytest.mark.parametrize("is_put_back", [False, True])
@pytest.mark.parametrize("most", [1, 40])
def test_a_lost_manifest_is_an_error_and_its_images_come_back(
    target: Any, most: int, *, is_put_back: bool
) -> None:
    s3 = target.client("s3")
    s3.delete_object(Bucket="index", Key=KEY.manifest)
    if is_put_back:
        fill(target, KEY, [10])
    target.embedding.most = most
    checked = glimpse("check", "ada", "holidays")
    assert checked.exit_code == 1
    state = "it has version 1" if is_put_back else "it is gone"
    assert f"error {KEY.manifest}: {state}, but the index had reached version 2" in checked.output
    lost = "1 image (picture [11].jpg)" if is_put_back else "2 images (picture [10].jpg, picture [11].jpg)"
    assert f"error {lost} in the folder can't be found" in checked.output
    assert glimpse("repair", "ada", "holidays").exit_code == 1, "nobody has agreed"
    repaired = glimpse("repair", "ada", "holidays", "--yes")
    assert repaired.exit_code == 0, repaired.output
    assert "Embedded again: 2 images (picture [10].jpg, picture [11].jpg)." in repaired.output
    assert int(versions(target)["space-1"]["N"]) > 2
    assert glimpse("check", "ada", "holidays").exit_code == 0


def test_images_that_an_index_lacks_are_named_and_embedded_again(target: Any) -> None:
    fill_again = IndexWriter(S3ObjectStore("index", target.client("s3"))).begin(KEY)
    fill_again.commit(None, [10, 11])
    target.embedding.gone = {10}
    checked = glimpse("check", "ada", "holidays")
    assert checked.exit_code == 1
    assert "2 images (picture [10].jpg, picture [11].jpg) in the folder can't be found" in checked.output
    for outcome in ("There is no such file.", "None of the images exists."):
        repaired = glimpse("repair", "ada", "holidays")
        assert repaired.exit_code == 1
        assert f"not embedded picture [10].jpg: {outcome}" in repaired.output
    target.embedding.gone = set()
    assert glimpse("repair", "ada", "holidays").exit_code == 0
    assert glimpse("check", "ada", "holidays").exit_code == 0


def test_an_index_that_is_being_filled_lacks_nothing(target: Any) -> None:
    IndexWriter(S3ObjectStore("index", target.client("s3"))).begin(KEY).commit(None, [10, 11])
    filling = {"M": {"space-1": {"M": {"since": {"N": "1"}, "is_complete": {"BOOL": False}}}}}
    target.client("dynamodb").update_item(
        TableName="FoldersTable",
        Key={"folder_id": {"N": "3"}},
        UpdateExpression="SET backfills = :filling",
        ExpressionAttributeValues={":filling": filling},
    )
    assert glimpse("check", "ada", "holidays").exit_code == 0


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_not_there_is_told_in_a_sentence(table: str, target: Any) -> None:
    target.outputs[table], target.name = "gone", "the test"
    result = glimpse("check", "ada", "holidays")
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith("A table of the test can't be used: ")


def test_an_index_is_compacted_whole(target: Any) -> None:
    result = glimpse("compact", "ada", "holidays", "--whole")
    assert result.exit_code == 0, result.output
    assert "1 merges, now 1 spans; 0 objects swept, 2 to sweep" in result.output
    assert glimpse("check", "ada", "holidays").exit_code == 0


def test_indexes_of_another_backend_go_by_ids(target: Any) -> None:
    fill(target, IndexKey("java", "space-1", 7, 8))
    assert glimpse("check", "7", "8", "--namespace", "java").exit_code == 0
    assert isinstance(glimpse("check", "ada", "8", "--namespace", "java").exception, UserError)


@pytest.mark.parametrize("key", [IndexKey("java", "space-1", 1, 3), IndexKey("glimpse", "space-1", 2, 3)])
def test_a_repair_leaves_folders_alone_that_have_another_index(target: Any, key: IndexKey) -> None:
    fill(target, key)
    name = damage(target, key)
    repaired = glimpse("repair", str(key.user_id), "3", "--namespace", key.namespace, "--yes")
    assert f"dropped {name}" in repaired.output
    assert versions(target) == {"space-1": {"N": "2"}}


@pytest.mark.parametrize(
    ("user", "folder", "sentence"),
    [
        ("bob", "holidays", "There is no user bob; check the name or give the id."),
        ("ada", "work", "User ada has no folder work; check the name or give the id."),
        ("1", "98", "Folder 98 of user 1 has no index; check the names, or --namespace."),
        ("2", "3", "Folder 3 of user 2 has no index; check the names, or --namespace."),
        ("", "holidays", "There is no user ''; check the name or give the id."),
        ("ada", "", "User ada has no folder ''; check the name or give the id."),
        ("ada", "x" * 3000, f"User ada has no folder {'x' * 60}…; check the name or give the id."),
        ("\udcff", "holidays", "There is no user '\\udcff'; check the name or give the id."),
        ("ada", "\udcff", "User ada has no folder '\\udcff'; check the name or give the id."),
        ("ada", "9" * 23, f"User ada has no folder {'9' * 23}; check the name or give the id."),
        ("9" * 5000, "3", f"There is no user {'9' * 60}…; check the name or give the id."),
        (str(2**53), "3", f"There is no user {2**53}; check the name or give the id."),
        ("ada", "\x1b[2J", "User ada has no folder '\\x1b[2J'; check the name or give the id."),
    ],
)
def test_what_does_not_exist_is_said(target: Any, user: str, folder: str, sentence: str) -> None:
    assert str(glimpse("check", user, folder).exception) == sentence
