"""What goes wrong inside is told without its inside."""

from pathlib import Path

import boto3
import pytest
from glimpse.index import IndexKey, S3ObjectStore, StoreUnavailable

from tests.integration.search.service import BUCKET, SPACE, EmbedDouble, SearchFunction, commit

FOLDER = {"user_id": 1, "folder_id": 3}
QUESTION = {"user_id": 1, "query": "cat", "folder_ids": [3], "folder_owner_map": {"3": 1}}
MANIFEST = "indexes/glimpse/tiny-1/1/3/manifest.json"


def test_what_nobody_expected_is_answered_without_the_inside(function: SearchFunction) -> None:
    bucket = boto3.client("s3")
    for entry in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]:
        bucket.delete_object(Bucket=BUCKET, Key=entry["Key"])
    bucket.delete_bucket(Bucket=BUCKET)
    response = function.call("POST", "/search", QUESTION)
    assert (response.status, list(response.json)) == (500, ["detail"])
    assert BUCKET not in response.text
    assert "NoSuchBucket" not in response.text


def test_a_damaged_index_can_be_deleted_and_made_again(function: SearchFunction) -> None:
    function.call("POST", "/create-index", FOLDER)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=MANIFEST, Body=b"damaged")
    created = function.call("POST", "/create-index", FOLDER)
    assert (created.status, "delete it" in created.json["detail"]) == (409, True)
    assert function.call("DELETE", "/delete-index/1/3").status == 200
    assert function.call("POST", "/create-index", FOLDER).status == 200


def test_images_for_an_index_that_cannot_be_used_are_409(
    function: SearchFunction, embed: EmbedDouble
) -> None:
    embed.answer = {
        "indexed": [],
        "failed": [],
        "missing": [],
        "status": 409,
        "detail": "Damaged; delete it.",
    }
    images = [{"image_id": 10, "file_path": "images/1/3/good/cat.jpg"}]
    response = function.call("POST", "/embed-images", {**FOLDER, "images": images})
    assert (response.status, response.json) == (409, {"detail": "Damaged; delete it."})


def test_an_index_of_a_later_version_is_left_alone(function: SearchFunction) -> None:
    function.call("POST", "/create-index", FOLDER)
    later = b'{"kind": "glimpse-index", "format_version": 2}'
    boto3.client("s3").put_object(Bucket=BUCKET, Key=MANIFEST, Body=later)
    assert function.call("DELETE", "/delete-index/1/3").status == 409
    stored = boto3.client("s3").get_object(Bucket=BUCKET, Key=MANIFEST)
    assert stored["Body"].read() == later


def test_the_log_names_a_damaged_segment_and_the_answer_does_not(
    function: SearchFunction, bundle_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index, bucket = IndexKey("glimpse", SPACE, 1, 3), boto3.client("s3")
    commit(bundle_dir, index, {10: "cat"})
    commit(bundle_dir, index, {11: "dog"})
    segments = bucket.list_objects_v2(Bucket=BUCKET, Prefix=index.prefix)["Contents"]
    damaged = min(entry["Key"] for entry in segments if entry["Key"].endswith(".seg"))
    bucket.put_object(Bucket=BUCKET, Key=damaged, Body=b"damaged")
    with caplog.at_level("INFO", "search"):
        response = function.call("POST", "/search", QUESTION | {"include": ["partial"]})
    assert (response.status, response.json["partial"], len(response.json["results"])) == (200, True, 1)
    assert "indexes/" not in response.text
    assert Path(damaged).stem not in response.text
    (line,) = [record.__dict__ for record in caplog.records if record.name == "search"]
    [problem] = line["problems"]
    assert problem.startswith(f"{damaged} can't be used: ")


def test_a_lost_manifest_is_no_empty_folder(
    function: SearchFunction, bundle_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    version = commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {10: "cat"})
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=MANIFEST)
    with caplog.at_level("INFO", "search"):
        known = {"versions": {"3": {SPACE: version}}, "include": ["partial"]}
        response = function.call("POST", "/search", QUESTION | known)
    assert (response.status, response.json["partial"], response.json["results"]) == (200, True, [])
    assert "indexes/" not in response.text
    [problem] = next(record.problems for record in caplog.records if record.name == "search")
    assert problem.startswith(f"{MANIFEST} can't be used: it is gone")


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "/search", QUESTION),
        ("POST", "/create-index", FOLDER),
        ("DELETE", "/delete-index/1/3", None),
    ],
)
def test_a_bucket_that_does_not_answer_is_worth_another_try(
    function: SearchFunction, monkeypatch: pytest.MonkeyPatch, method: str, path: str, document: object
) -> None:
    def silent(*_: object) -> None:
        raise StoreUnavailable("s3://secret/indexes does not answer")

    monkeypatch.setattr(S3ObjectStore, "get", silent)
    monkeypatch.setattr("glimpse.index.commit.manifest_cas.Swapper._pause", lambda *_: None)
    response = function.call(method, path, document)
    assert (response.status, list(response.json)) == (503, ["detail"])
    assert "secret" not in response.text
    assert response.headers["retry-after"]
