"""Work that earlier versions left is done, and what they wrote can be changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.upgrades.cloud import IMAGES, INDEX, Cloud
from tests.upgrades.fixtures import WRITERS, archive
from tests.upgrades.pictures import LATE, picture
from tests.upgrades.restoring import assert_says, taken_over

SEARCH = "/api/images/search?query=a+red+cat&top_k=10"


@pytest.fixture(params=WRITERS)
def changing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with taken_over(request.param, tmp_path) as given:
        yield given


def test_uploads_go_into_old_folders(changing: tuple[Cloud, Any]) -> None:
    cloud, said = changing
    token = said["tokens"]["eva"]
    (folder,) = said["api"]["eva"]["/api/folders"]["owned"]
    records = len(cloud.items("images"))
    form = {"folderName": folder["folder_name"]}
    upload = cloud.api("POST", "/api/images/upload", token, form, {"new.png": picture((240, 0, 240))})
    assert upload["folder_id"] == folder["id"]
    assert len(cloud.items("images")) == records + 1, "an id was given out a second time"
    cloud.embed_uploads()
    job = cloud.api("GET", f"/api/images/job-status/{upload['job_id']}", token)
    assert (job["status"], job["failed_images"]) == ("COMPLETED", [])
    found = cloud.api("GET", SEARCH, token)["results"]
    earlier = said["api"]["eva"][SEARCH]["results"]
    assert {each["file_name"] for each in found} == {each["file_name"] for each in earlier} | {"new.png"}
    (after,) = cloud.api("GET", "/api/folders", token)["owned"]
    assert after["image_count"] == folder["image_count"] + 1


def test_an_upload_under_way_ends(changing: tuple[Cloud, Any]) -> None:
    cloud, said = changing
    token = said["tokens"]["eva"]
    jobs = [answer for path, answer in said["api"]["eva"].items() if "job-status" in path]
    (pending,) = (job["job_id"] for job in jobs if job["status"] == "PENDING")
    (record,) = (item for item in cloud.items("images") if item["name"]["S"] == LATE)
    cloud.s3.put_object(Bucket=IMAGES, Key=record["key"]["S"], Body=picture((7, 70, 7)))
    cloud.embed_uploads()
    job = cloud.api("GET", f"/api/images/job-status/{pending}", token)
    assert (job["status"], job["failed_images"]) == ("COMPLETED", [])
    assert LATE in {result["file_name"] for result in cloud.api("GET", SEARCH, token)["results"]}


def test_an_event_that_comes_again_changes_nothing(changing: tuple[Cloud, Any]) -> None:
    cloud, said = changing
    cloud.delivered.clear()
    items = {table: cloud.items(table) for table in ("folders", "images", "jobs")}
    cloud.embed_uploads()
    assert_says(cloud.api("GET", SEARCH, said["tokens"]["eva"]), said["api"]["eva"][SEARCH])
    assert {table: cloud.items(table) for table in items} == items


def test_what_was_being_erased_goes(changing: tuple[Cloud, Any]) -> None:
    cloud, said = changing
    hidden = [
        int(item["folder_id"]["N"]) for item in cloud.items("folders") if item["status"]["S"] != "ACTIVE"
    ]
    assert len(hidden) == 2
    assert cloud.work_off("maintenance") == 2
    left = {int(item["folder_id"]["N"]) for item in cloud.items("folders") + cloud.items("images")}
    assert not left & set(hidden)
    files = {key.split("/")[2] for key in cloud.keys(IMAGES) if key.startswith(("uploads/", "thumbnails/"))}
    assert not {str(folder) for folder in hidden} & files
    assert_says(cloud.api("GET", SEARCH, said["tokens"]["eva"]), said["api"]["eva"][SEARCH])


def test_folders_and_accounts_can_be_deleted(changing: tuple[Cloud, Any]) -> None:
    cloud, said = changing
    eva, zoe = said["tokens"]["eva"], said["tokens"]["Zoë Ünal"]
    (folder,) = said["api"]["eva"]["/api/folders"]["owned"]
    cloud.api("DELETE", "/api/folders", eva, {"folder_ids": [folder["id"]]})
    cloud.api("DELETE", "/api/users/delete", zoe)
    cloud.work_off("maintenance")
    assert cloud.api("GET", "/api/folders", eva)["folders"] == []
    assert cloud.api("GET", SEARCH, eva)["results"] == []
    for token in (zoe, said["tokens"]["finn"]):
        with pytest.raises(AssertionError, match="401"):
            cloud.api("GET", "/api/folders", token)
    of_eva_and_zoe = ("uploads/1/", "uploads/2/", "thumbnails/1/", "thumbnails/2/")
    assert [key for key in cloud.keys(IMAGES) if key.startswith(of_eva_and_zoe)] == []
    left = {item["username"]["S"] for item in cloud.items("users")}
    assert left == {"eva", "ada", "bob", "dora"}
    # Nobody is shown what Zoë shared.
    assert {item["folder_id"]["N"] for item in cloud.items("shares")} == {"9", "10"}


def test_the_daily_round_tends_all_indexes(changing: tuple[Cloud, Any]) -> None:
    """Those of the fixture of indexes, too, in the same bucket."""
    cloud, said = changing
    for key, data in archive(said["writer"], "indexes").items():
        cloud.s3.put_object(Bucket=INDEX, Key=key, Body=data)
    url = cloud.sqs.get_queue_url(QueueName="upkeep")["QueueUrl"]
    cloud.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"kind": "tend-indexes"}))
    assert cloud.work_off("upkeep") >= 1
    assert_says(cloud.api("GET", SEARCH, said["tokens"]["eva"]), said["api"]["eva"][SEARCH])
    question, answer = said["acme"]
    assert_says(cloud.search("POST", "/search", question, alias="acme"), answer)
