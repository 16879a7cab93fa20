"""Searches go on, without an error and with the right answers, while indexes are merged, swept, deleted."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from glimpse.encoder import Bundle
from glimpse.index import (
    AttemptExpired,
    CommitContended,
    Defect,
    IndexKey,
    IndexMaintenance,
    S3ObjectStore,
    list_indexes,
)

from tests.e2e.gallery import (
    OTHER_BACKENDS_USER,
    Gallery,
    after,
    found_of_another_backend,
    models,
    put_image_of_another_backend,
    vectors_left,
    wait_until,
)
from tests.e2e.rotated import SPACE
from tests.e2e.stack import Stack, User

GRACE_SECONDS = 3.0
"""Far shorter than the functions', so that objects are swept under searches that know older manifests."""

CALLED_OFF = (CommitContended, AttemptExpired)
"""What upkeep may meet under so many commits; it comes again."""


@dataclass(slots=True)
class Rounds:
    """What upkeep did: in how many rounds over the user's indexes, and how much by space."""

    count: int = 0
    merges: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def more(self) -> None:
        """Wait until two more rounds have come to their end: the first may be half over."""
        wanted = self.count + 2
        wait_until(lambda: self.count >= wanted)


@contextmanager
def upkeep(stack: Stack, folder_id: int) -> Iterator[Rounds]:
    """Have a user's indexes merged and swept again and again, here and by the function that does it.

    Of the other indexes in the stack, which other tests left behind, nobody would see a difference; they
    would only make the rounds minutes long.
    """
    store = S3ObjectStore(stack.outputs["IndexBucket"], stack.client("s3"))
    tended = (index.user_id for index in list_indexes(store) if index.folder_id == folder_id)
    owners = {OTHER_BACKENDS_USER, *tended}
    maintenance = IndexMaintenance(store, grace_seconds=GRACE_SECONDS)
    sqs, queue = stack.client("sqs"), stack.outputs["UpkeepQueueUrl"]
    stop, rounds = threading.Event(), Rounds()

    def tend(index: IndexKey) -> None:
        rounds.merges[index.space_id] += maintenance.compact(index, whole=True).merges
        rounds.removed[index.space_id] += maintenance.sweep(index).removed
        message = compaction(index, maintenance.needs(index).version)
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(message))

    def run() -> None:
        while not stop.wait(0.2):
            for index in list_indexes(store):
                with suppress(*CALLED_OFF):
                    if index.user_id in owners:
                        tend(index)
            rounds.count += 1

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(run)
        try:
            yield rounds
        finally:
            stop.set()
        task.result()


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
    folder_id, _ = gallery.upload("Before", 6)
    with upkeep(stack, folder_id), gallery.in_use():
        after(gallery, searches=20)
        for _ in range(3):
            come_and_go(stack, search_service)
    gallery.check()


def come_and_go(stack: Stack, service: httpx.Client) -> None:
    """Embed another backend's image, and delete its index: each shows in the very next search."""
    put_image_of_another_backend(stack, service)
    assert found_of_another_backend(service) == [7]
    assert service.delete("/delete-index/77/7").status_code == 200
    assert found_of_another_backend(service) == []


@pytest.mark.slow
def test_searches_find_the_right_images_while_the_model_changes_as_well(
    stack: Stack, user: User, search_service: httpx.Client, other_model: Bundle
) -> None:
    gallery = Gallery(user)
    folder_id, _ = gallery.upload("Before", 12)
    first = models(search_service)["active"]
    with upkeep(stack, folder_id) as rounds, gallery.in_use():

        def all_together() -> None:
            come_and_go(stack, search_service)
            rounds.more()
            after(gallery, searches=3)

        models(search_service, "POST", "/reindex", bundle_digest=other_model.digest)
        all_together()
        wait_until(lambda: models(search_service)["phase"] == "FLIPPED")
        all_together()
        assert models(search_service, "POST", "/rollback")["active"] == first
        all_together()
        models(search_service, "POST", "/finalize")
        all_together()
        wait_until(lambda: models(search_service)["retired"] is None)
        wait_until(lambda: not vectors_left(stack, SPACE))  # a merge that lost leaves objects to the sweep
    gallery.check()
    assert {first["space_id"], SPACE} <= rounds.merges.keys()
    assert min(*rounds.merges.values(), *rounds.removed.values()) > 0
    print(f"{rounds}; {gallery.searches} searches, {gallery.uploads} uploads, {gallery.deletions} deletions")


def test_what_cannot_be_used_is_left_out_and_said(stack: Stack, user: User) -> None:
    gallery = Gallery(user)
    folder_id, _ = gallery.upload("Damaged", 2)
    sound, _ = gallery.upload("Sound", 2)
    s3, bucket = stack.client("s3"), stack.outputs["IndexBucket"]
    store = S3ObjectStore(bucket, s3)
    [index] = [index for index in list_indexes(store) if index.folder_id == folder_id]
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=index.manifest)["Body"].read())
    s3.put_object(Bucket=bucket, Key=f"{index.prefix}holiday.txt", Body=b"a foreign file")
    later = {**manifest, "format_version": 99, "sequence": manifest["sequence"] + 1}
    s3.put_object(Bucket=bucket, Key=index.manifest, Body=json.dumps(later).encode())
    assert_partial(stack, index, sound, left=0)
    [finding] = IndexMaintenance(store).check(index).findings
    assert (finding.defect, finding.key) == (Defect.UNSUPPORTED, index.manifest)
    s3.put_object(Bucket=bucket, Key=index.manifest, Body=json.dumps(manifest).encode())
    segment = index.object(manifest["segments"][0]["key"])
    s3.put_object(Bucket=bucket, Key=segment, Body=b"truncated")
    keys = {finding.key for finding in IndexMaintenance(store).check(index).findings}
    assert_partial(stack, index, sound, left=2 - manifest["segments"][0]["count"])
    assert keys == {segment, f"{index.prefix}holiday.txt"}


def assert_partial(stack: Stack, index: IndexKey, sound: int, *, left: int) -> None:
    """Expect what can be used of both folders, and a sentence about the damaged one that names no object."""
    folders = [index.folder_id, sound]
    body = {"user_id": index.user_id, "query": "a picture", "folder_ids": folders, "include": ["problems"]}
    with httpx.Client(base_url=stack.search_url, timeout=60, trust_env=False) as client:
        answer = client.post("/search", json=body)
    assert answer.status_code == 200, answer.text
    found = sorted(result["folder_id"] for result in answer.json()["results"])
    assert found == sorted([sound, sound, *[index.folder_id] * left])
    [problem] = answer.json()["problems"]
    assert str(index.folder_id) in problem
    assert "indexes/" not in answer.text
