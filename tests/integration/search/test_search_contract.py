"""The contract of the search service, through the handler."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from glimpse.encoder import Bundle
from glimpse.index import IndexKey
from glimpse.records import FolderStore
from glimpse.records.models import FolderModel

from tests.integration.search.service import BUCKET, EVENTS, SPACE, EmbedDouble, SearchFunction, commit

PREFIXES = pytest.mark.parametrize("prefix", ["", "/api"])


def keys() -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="indexes/")
    return [entry["Key"] for entry in listed.get("Contents", [])]


def question(**fields: Any) -> dict[str, Any]:
    return {
        "user_id": 1,
        "query": "a red cat",
        "folder_ids": [3],
        "folder_owner_map": {"3": 1},
        "top_k": 5,
    } | fields


def good(image_id: int, text: str) -> dict[str, Any]:
    return {"image_id": image_id, "file_path": f"images/1/3/good/{text}.jpg"}


@pytest.mark.parametrize("path", ["/", "/api", "/api/"])
def test_the_service_says_what_it_is(function: SearchFunction, path: str) -> None:
    response = function.call("GET", path)
    assert response.status == 200
    assert set(response.json) == {"service", "status", "version"}


@PREFIXES
def test_health_names_model_and_build(function: SearchFunction, bundle_dir: Path, prefix: str) -> None:
    health = function.call("GET", f"{prefix}/health").json
    assert health["status"] == "healthy"
    assert health["model"] == {
        "name": "Tiny",
        "space_id": SPACE,
        "bundle_digest": Bundle.load(bundle_dir).digest,
        "dimension": 6,
    }
    assert health["build"]["version"]


@PREFIXES
def test_from_no_index_to_none_again(function: SearchFunction, prefix: str) -> None:
    folder = {"user_id": 1, "folder_id": 3}
    assert function.call("POST", f"{prefix}/search", question()).json == {"results": []}
    assert set(function.call("POST", f"{prefix}/create-index", folder).json) == {"message"}
    images = [good(10, "a red cat"), good(11, "a dog"), good(12, "a cat")]
    embedded = function.call("POST", f"{prefix}/embed-images", {**folder, "images": images})
    assert (embedded.status, embedded.json["indexed"], embedded.json["failed"]) == (200, [10, 11, 12], [])
    again = function.call("POST", f"{prefix}/create-index", folder)
    assert again.status == 200

    results = function.call("POST", f"{prefix}/search", question(top_k=2)).json["results"]
    assert [result["image_id"] for result in results] == [10, 12]
    assert results[0] == {"image_id": 10, "folder_id": 3, "score": pytest.approx(1, abs=2e-3)}
    assert results[0]["score"] > results[1]["score"]

    for _ in range(2):
        deleted = function.call("DELETE", f"{prefix}/delete-index/1/3")
        assert (deleted.status, set(deleted.json)) == (200, {"message"})
    assert function.call("POST", f"{prefix}/search", question()).json == {"results": []}


@pytest.mark.parametrize(("qualifier", "owner"), [("glimpse", 1), ("glimpse", 2), ("java", 1)])
def test_a_search_through_the_api_sees_that_an_index_is_deleted(
    function: SearchFunction, bundle_dir: Path, qualifier: str, owner: int
) -> None:
    """It passes the version that the folder's record has, and a cached manifest of that one is current."""
    version = commit(bundle_dir, IndexKey(qualifier, SPACE, 1, 3), {10: "a cat"})
    record = {"folder_name": "summer", "status": "ACTIVE", "created_at": datetime(2026, 3, 4, tzinfo=UTC)}
    FolderModel(3, owner_id=owner, index_versions={SPACE: version}, **record).save()

    def search() -> list[int]:
        versions = {"3": dict(FolderStore().get(3).index_versions)}  # type: ignore[union-attr]
        answer = function.call("POST", "/search", question(versions=versions), qualifier=qualifier)
        return [hit["image_id"] for hit in answer.json["results"]]

    assert search() == [10]
    for _ in range(2):
        FolderModel(3).update([FolderModel.index_versions[SPACE].set(version)])  # as if it had died before
        assert function.call("DELETE", "/delete-index/1/3", qualifier=qualifier).status == 200
        is_ours = (qualifier, owner) == ("glimpse", 1)
        assert (FolderStore().get(3).index_versions[SPACE] > version) == is_ours  # type: ignore[union-attr]
        assert search() == [] or not is_ours


def test_a_folder_that_has_no_record_gets_none(function: SearchFunction) -> None:
    assert function.call("DELETE", "/delete-index/1/3").status == 200
    assert FolderStore().get(3) is None


def test_the_event_of_a_function_url_is_answered(function: SearchFunction, bundle_dir: Path) -> None:
    """Folder 3 is the caller's, folder 5 another user's."""
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {10: "a red cat"})
    commit(bundle_dir, IndexKey("glimpse", SPACE, 2, 5), {20: "a red dog"})
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 5), {30: "a red cat"})  # no such folder of the caller's
    response = function.invoke(json.loads((EVENTS / "search_function_url.json").read_text()))
    assert [(hit["image_id"], hit["folder_id"]) for hit in response.json["results"]] == [(10, 3), (20, 5)]


@pytest.mark.parametrize("owners", [{}, None, {"5": 2}])
def test_a_folder_without_a_named_owner_is_the_callers(
    function: SearchFunction, bundle_dir: Path, owners: dict[str, int] | None
) -> None:
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {10: "a cat"})
    response = function.call("POST", "/search", question(folder_owner_map=owners))
    assert [hit["image_id"] for hit in response.json["results"]] == [10]


def test_only_what_is_needed_has_to_be_said(function: SearchFunction, bundle_dir: Path) -> None:
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 3), dict.fromkeys(range(10, 20), "a cat"))
    response = function.call("POST", "/search", {"user_id": 1, "query": "cat", "folder_ids": [3]})
    assert len(response.json["results"]) == 5


def test_versions_save_a_look_but_lose_no_change(function: SearchFunction, bundle_dir: Path) -> None:
    index = IndexKey("glimpse", SPACE, 1, 3)
    first = commit(bundle_dir, index, {10: "a cat"})
    known = {"3": {SPACE: first, "elsewhere": 9}, "99": {SPACE: 4}}
    for _ in range(2):
        found = function.call("POST", "/search", question(versions=known)).json["results"]
        assert [hit["image_id"] for hit in found] == [10]
    second = commit(bundle_dir, index, {11: "a red cat"})
    found = function.call("POST", "/search", question(versions={"3": {SPACE: second}})).json["results"]
    assert [hit["image_id"] for hit in found] == [11, 10]


def test_folders_named_twice_count_once(function: SearchFunction, bundle_dir: Path) -> None:
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {10: "a cat"})
    found = function.call("POST", "/search", question(folder_ids=[3, 3, 3])).json["results"]
    assert len(found) == 1


def test_a_hundred_thousand_folders_are_searched(function: SearchFunction, bundle_dir: Path) -> None:
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {10: "a cat"})
    response = function.call("POST", "/search", question(folder_ids=list(range(100_000))))
    assert [hit["image_id"] for hit in response.json["results"]] == [10]


def test_more_folders_or_owners_than_a_person_has_are_refused(function: SearchFunction) -> None:
    assert function.call("POST", "/search", question(folder_ids=list(range(100_001)))).status == 422
    owners = {str(folder_id): folder_id for folder_id in range(2000)}
    response = function.call(
        "POST", "/search", question(folder_ids=list(range(2000)), folder_owner_map=owners)
    )
    assert (response.status, "1000 owners" in response.json["detail"]) == (422, True)


def test_a_part_that_cannot_be_read_is_named_and_the_rest_answers(
    function: SearchFunction, bundle_dir: Path
) -> None:
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 3), {10: "a cat"})
    (segment,) = [key for key in keys() if key.endswith(".seg")]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=segment, Body=b"damaged")
    commit(bundle_dir, IndexKey("glimpse", SPACE, 1, 5), {20: "a cat"})
    response = function.call("POST", "/search", question(folder_ids=[3, 5], include=["problems"]))
    assert [hit["image_id"] for hit in response.json["results"]] == [20]
    (problem,) = response.json["problems"]
    assert "folder 3" in problem
    assert "seg" not in response.text
    assert BUCKET not in response.text


# ---- embedding


def test_a_bad_image_is_named_and_stops_nobody(function: SearchFunction, embed: EmbedDouble) -> None:
    images = [
        good(10, "a cat"),
        {"image_id": 11, "file_path": "images/1/3/broken/b.jpg"},
        {"image_id": 12, "file_path": "images/1/3/missing/c.jpg"},
    ]
    response = function.call("POST", "/embed-images", {"user_id": 1, "folder_id": 3, "images": images})
    assert response.status == 200
    assert response.json["indexed"] == [10]
    failed = {each["image_id"]: each for each in response.json["failed"]}
    assert failed[11]["reason"] == "This is no image."
    assert failed[12]["file_path"] == "images/1/3/missing/c.jpg"
    assert failed[12]["reason"]
    (event,) = embed.events
    assert event == {
        "operation": "embed-images",
        "namespace": "glimpse",
        "user_id": 1,
        "folder_id": 3,
        "images": images,
    }


def test_none_of_the_images_exists(function: SearchFunction) -> None:
    images = [{"image_id": i, "file_path": f"images/1/3/missing/{i}.jpg"} for i in range(3)]
    response = function.call("POST", "/embed-images", {"user_id": 1, "folder_id": 3, "images": images})
    assert (response.status, list(response.json)) == (404, ["detail"])


def test_more_images_than_there_is_time_for(function: SearchFunction, embed: EmbedDouble) -> None:
    images = [good(i, "a cat") for i in range(4)]
    response = function.call("POST", "/embed-images", {"user_id": 1, "folder_id": 3, "images": images})
    assert response.status == 413
    assert "3 images at most" in response.json["detail"]
    assert embed.events == []


def test_an_image_named_twice_is_embedded_once(function: SearchFunction, embed: EmbedDouble) -> None:
    images = [good(10, "a cat")] * 5
    response = function.call("POST", "/embed-images", {"user_id": 1, "folder_id": 3, "images": images})
    assert response.json["indexed"] == [10]
    assert len(embed.events[0]["images"]) == 1


def test_one_id_for_two_files_is_refused(function: SearchFunction) -> None:
    images = [good(10, "a cat"), good(10, "a dog")]
    response = function.call("POST", "/embed-images", {"user_id": 1, "folder_id": 3, "images": images})
    assert (response.status, "image_id 10" in response.json["detail"]) == (422, True)


@pytest.mark.parametrize("answer", [[], {"indexed": "all"}, {"indexed": [1]}, "no"])
def test_an_embed_function_that_answers_nonsense_is_unavailable(
    function: SearchFunction, embed: EmbedDouble, answer: Any
) -> None:
    embed.answer = answer
    body = {"user_id": 1, "folder_id": 3, "images": [good(10, "a cat")]}
    response = function.call("POST", "/embed-images", body)
    assert (response.status, list(response.json)) == (503, ["detail"])
    assert response.headers["retry-after"]


def test_an_embed_function_that_fails_is_unavailable(function: SearchFunction, embed: EmbedDouble) -> None:
    embed.error = RuntimeError("bucket s3://secret is gone")
    body = {"user_id": 1, "folder_id": 3, "images": [good(10, "a cat")]}
    response = function.call("POST", "/embed-images", body)
    assert response.status == 503
    assert "secret" not in response.text


# ---- whose index


@pytest.mark.parametrize(
    ("qualifier", "namespace"),
    [
        (None, "glimpse"),
        ("$LATEST", "glimpse"),
        ("17", "glimpse"),
        ("glimpse", "glimpse"),
        ("live", "live"),
        ("java-backend", "java-backend"),
    ],
)
def test_an_alias_has_a_namespace_of_its_own(
    function: SearchFunction, bundle_dir: Path, qualifier: str | None, namespace: str
) -> None:
    commit(bundle_dir, IndexKey(namespace, SPACE, 1, 3), {10: "a cat"})
    commit(bundle_dir, IndexKey("somebody-else", SPACE, 1, 3), {11: "a cat"})
    found = function.call("POST", "/search", question(), qualifier=qualifier).json["results"]
    assert [hit["image_id"] for hit in found] == [10]
    function.call("POST", "/create-index", {"user_id": 1, "folder_id": 4}, qualifier=qualifier)
    assert f"indexes/{namespace}/{SPACE}/1/4/manifest.json" in keys()
    function.call("DELETE", "/delete-index/1/3", qualifier=qualifier)
    assert function.call("POST", "/search", question(), qualifier=qualifier).json["results"] == []
    assert function.call("POST", "/search", question(), qualifier="somebody-else").json["results"]


def test_the_namespace_reaches_the_embed_function(function: SearchFunction, embed: EmbedDouble) -> None:
    body = {"user_id": 1, "folder_id": 3, "images": [good(10, "a cat")], "namespace": "other"}
    function.call("POST", "/embed-images", body, qualifier="java-backend")
    assert embed.events[0]["namespace"] == "java-backend"


def test_nothing_in_the_event_chooses_the_namespace(function: SearchFunction) -> None:
    event = json.loads((EVENTS / "search_invoke_foreign_namespace.json").read_text())
    assert function.invoke(event, "java-backend").status == 200
    assert keys() == [f"indexes/java-backend/{SPACE}/1/3/manifest.json"]
