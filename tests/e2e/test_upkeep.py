"""Searches go on, without an error and with the right answers, while indexes are merged, swept, deleted."""

import json
import threading

import httpx
from glimpse.index import IndexKeeper, IndexKey, S3ObjectStore, Trouble, walk

from tests.e2e.stack import Stack, User
from tests.e2e.test_model_change import Gallery, after, found_of_another_backend, put_image_of_another_backend

GRACE_SECONDS = 3.0
"""Far shorter than the functions', so that objects are swept under searches that know older manifests."""


def keep_busy(stack: Stack, stop: threading.Event) -> None:
    """Have every index merged and swept again and again."""
    store = S3ObjectStore(stack.outputs["IndexBucket"], stack.client("s3"))
    keeper = IndexKeeper(store, grace_seconds=GRACE_SECONDS)
    sqs, queue = stack.client("sqs"), stack.outputs["UpkeepQueueUrl"]
    while not stop.wait(0.2):
        for index in walk(store):
            keeper.compact(index, whole=True)
            keeper.sweep(index)
            message = compaction(index, keeper.needs(index).version)
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(message))


def compaction(index: IndexKey, version: int) -> dict[str, str | int]:
    return {
        "kind": "compact-index",
        "namespace": index.namespace,
        "space_id": index.space_id,
        "user_id": index.user_id,
        "folder_id": index.folder_id,
        "rest_version": version,
    }


def test_searches_find_the_right_images_during_upkeep_and_deletions(
    stack: Stack, user: User, search_service: httpx.Client
) -> None:
    gallery = Gallery(user)
    gallery.upload("Before", 6)
    stop, failures = threading.Event(), list[Exception]()

    def busy() -> None:
        try:
            keep_busy(stack, stop)
        except Exception as error:  # shown below
            failures.append(error)

    keeper = threading.Thread(target=busy)
    keeper.start()
    try:
        with gallery.in_use():
            after(gallery, searches=20)
            for _ in range(3):
                put_image_of_another_backend(stack, search_service)
                assert found_of_another_backend(search_service) == [7]
                assert search_service.delete("/delete-index/77/7").status_code == 200
                assert found_of_another_backend(search_service) == []
    finally:
        stop.set()
        keeper.join()
    assert not failures
    gallery.check()


def test_what_cannot_be_used_is_left_out_and_said(stack: Stack, user: User) -> None:
    gallery = Gallery(user)
    folder_id, _ = gallery.upload("Damaged", 2)
    sound, _ = gallery.upload("Sound", 2)
    s3, bucket = stack.client("s3"), stack.outputs["IndexBucket"]
    store = S3ObjectStore(bucket, s3)
    [index] = [index for index in walk(store) if index.folder_id == folder_id]
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=index.manifest)["Body"].read())
    s3.put_object(Bucket=bucket, Key=f"{index.prefix}holiday.txt", Body=b"a foreign file")
    later = {**manifest, "format_version": 99, "sequence": manifest["sequence"] + 1}
    s3.put_object(Bucket=bucket, Key=index.manifest, Body=json.dumps(later).encode())
    assert_partial(stack, index, sound, left=0)
    [finding] = IndexKeeper(store).check(index).findings
    assert (finding.trouble, finding.key) == (Trouble.UNSUPPORTED, index.manifest)
    s3.put_object(Bucket=bucket, Key=index.manifest, Body=json.dumps(manifest).encode())
    segment = index.object(manifest["segments"][0]["key"])
    s3.put_object(Bucket=bucket, Key=segment, Body=b"truncated")
    keys = {finding.key for finding in IndexKeeper(store).check(index).findings}
    assert_partial(stack, index, sound, left=2 - manifest["segments"][0]["count"])
    assert keys == {segment, f"{index.prefix}holiday.txt"}


def assert_partial(stack: Stack, index: IndexKey, sound: int, *, left: int) -> None:
    """Expect what can be used of both folders, and a sentence about the damaged one that names no object."""
    body = {"user_id": index.user_id, "query": "a picture", "folder_ids": [index.folder_id, sound]}
    with httpx.Client(base_url=stack.search_url, timeout=60, trust_env=False) as client:
        answer = client.post("/search", json=body)
    assert answer.status_code == 200, answer.text
    found = sorted(result["folder_id"] for result in answer.json()["results"])
    assert found == sorted([sound, sound, *[index.folder_id] * left])
    [problem] = answer.json()["problems"]
    assert str(index.folder_id) in problem
    assert "indexes/" not in answer.text
