"""Deleting another backend's index under the role of the search function, with IAM enforced."""

from collections.abc import Iterator

import httpx
import pytest

from deployment.settings import ROOT
from tests.e2e.stack import Stack

PHOTOS = ROOT / "local/gallery/photos"
USER, FOLDER = 9007199254740001, 9007199254740002
KEY = f"images/{USER}/{FOLDER}/cat.jpg"


@pytest.fixture
def photograph(stack: Stack) -> Iterator[str]:
    """A file that another backend stored."""
    target = {"Bucket": stack.outputs["ImagesBucket"], "Key": KEY}
    stack.client("s3").put_object(**target, Body=(PHOTOS / "cat.jpg").read_bytes())
    yield KEY
    stack.client("s3").delete_object(**target)


def index_objects(stack: Stack) -> set[str]:
    listed = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.outputs["IndexBucket"])
    keys = {each["Key"] for page in listed for each in page.get("Contents", [])}
    return {key.partition(f"/{USER}/{FOLDER}/")[2].partition("/")[0] for key in keys} - {""}


def test_no_vector_of_a_deleted_index_stays_in_the_bucket(
    stack: Stack, search_service: httpx.Client, photograph: str
) -> None:
    images = [{"image_id": 1, "file_path": photograph}]
    body = {"user_id": USER, "folder_id": FOLDER, "images": images}
    embedded = search_service.post("/embed-images", json=body)
    assert embedded.status_code == 200, embedded.text
    assert index_objects(stack) >= {"manifest.json", "segments"}
    assert search_service.delete(f"/delete-index/{USER}/{FOLDER}").status_code == 200
    assert index_objects(stack) == {"manifest.json"}
