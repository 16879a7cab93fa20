"""A damaged index, as somebody who searches sees it."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from deployment.settings import ROOT
from tests.e2e.stack import Stack, User, glimpse

PHOTOS = ROOT / "tests" / "photos"


def test_what_can_be_read_answers_and_the_answer_says_that_it_is_partial(stack: Stack) -> None:
    user = User(stack, f"unlucky-{uuid.uuid4().hex[:12]}")
    jobs = [
        user.upload(name, PHOTOS / file) for name, file in (("Lost", "coffee.png"), ("Kept", "chelsea.png"))
    ]
    for job in jobs:
        user.finished(job["job_id"])
    lost, kept = (job["folder_id"] for job in jobs)
    s3, bucket = stack.client("s3"), stack.outputs["IndexBucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="indexes/")["Contents"]
    (segment,) = [each["Key"] for each in listed if f"/{lost}/segments/" in each["Key"]]
    s3.put_object(Bucket=bucket, Key=segment, Body=b"damaged")
    answer = user.http.get("/api/images/search", params={"query": "a photograph"}).json()
    assert [result["folder_id"] for result in answer["results"]] == [kept]
    assert answer["partial"] is True
    whole = user.http.get("/api/images/search", params={"query": "a photograph", "folder_ids": kept}).json()
    assert "partial" not in whole
    user.http.close()


def test_a_lost_manifest_is_noticed_and_its_images_come_back(stack: Stack) -> None:
    name = f"unlucky-{uuid.uuid4().hex[:12]}"
    user = User(stack, name)
    job = user.upload("Lost", PHOTOS / "coffee.png")
    user.finished(job["job_id"])
    s3, bucket = stack.client("s3"), stack.outputs["IndexBucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="indexes/")["Contents"]
    (manifest,) = [
        each["Key"] for each in listed if each["Key"].endswith(f"/{job['folder_id']}/manifest.json")
    ]
    s3.delete_object(Bucket=bucket, Key=manifest)
    checked = glimpse(stack, "index", "check", name, "Lost")
    assert checked.returncode == 1
    assert f"{manifest}: it is gone" in checked.stdout
    assert "1 image (coffee.png) in the folder can't be found" in checked.stdout
    repaired = glimpse(stack, "index", "repair", name, "Lost", "--yes")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert "Embedded again: 1 image (coffee.png)." in repaired.stdout
    assert glimpse(stack, "index", "check", name, "Lost").returncode == 0
    answer = user.http.get("/api/images/search", params={"query": "a cup of coffee"}).json()
    assert [result["file_name"] for result in answer["results"]] == ["coffee.png"]
    assert "partial" not in answer
    user.http.close()


@pytest.mark.parametrize("user", ["", b"\xff", "x" * 3000, "9" * 23])
def test_what_can_be_no_name_is_told_in_a_sentence(stack: Stack, user: Any, tmp_path: Path) -> None:
    for arguments in (["index", "check", user, "x"], ["export", user, "x", str(tmp_path / "f.npz")]):
        told = glimpse(stack, *arguments)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1), told.stderr
        assert told.stderr.startswith("glimpse: There is no user ")
