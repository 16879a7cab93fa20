"""The index on S3."""

import hashlib
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config
from glimpse.index import (
    IndexKey,
    IndexMaintenance,
    IndexReader,
    IndexWriter,
    RetryPolicy,
    S3ObjectStore,
    VectorBatch,
)
from glimpse.index.format.manifest import Manifest, ObjectEntry
from glimpse.index.format.segment_kinds import INVERTED_FROM
from glimpse.index.layout import segment_name
from glimpse.index.segments import ivf_build
from glimpse.index.segments.codec import entry_fields
from glimpse.index.store.s3 import CONFIG
from mypy_boto3_s3 import S3Client

from tests.integration.index.conftest import BUCKET

KEY = IndexKey("glimpse", "space-1", 1, 3)
QUERY = np.array([1.0, 0.0], np.float32)


def batch(*image_ids: int) -> VectorBatch:
    count = len(image_ids)
    return VectorBatch(np.array(image_ids), np.tile(QUERY, (count, 1)), np.zeros(count, np.int64))


def test_a_large_segment_is_read_in_parts(store: S3ObjectStore, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((INVERTED_FROM, 8), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    many = VectorBatch(np.arange(INVERTED_FROM), vectors, np.zeros(INVERTED_FROM, np.int64))
    data = b"".join(ivf_build.encode(many, KEY.space_id))
    name = segment_name("0" * 32)
    entry = ObjectEntry(
        key=name,
        kind="inverted",
        format_version=1,
        sequence=1,
        count=len(many),
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        **entry_fields(data),
    )
    manifest = Manifest.empty(KEY, "0" * 32, epoch=0, sequence=0).followed_by("0" * 32, 8, (entry,), ())
    store.put_if_none_match(KEY.object(name), data)
    store.put_if_none_match(KEY.manifest, manifest.encode())
    answer = IndexReader(store, disk_dir=tmp_path).search([KEY], vectors[123], 5)
    assert (answer.hits[0].image_id, answer.problems) == (123, [])
    assert answer.hits[0].score == pytest.approx(1, abs=1e-3)


def test_listing_tells_the_folders_of_an_owner(store: S3ObjectStore) -> None:
    writer = IndexWriter(store)
    for folder_id in (1, 12, 123):
        writer.begin(IndexKey("glimpse", "space-1", 1, folder_id)).commit(batch(1))
    writer.create(IndexKey("glimpse", "space-1", 11, 9))
    assert store.children(KEY.owner_prefix, 1000) == {"1", "12", "123"}
    assert store.children(KEY.owner_prefix, 2) is None
    assert store.children("indexes/glimpse/space-1/99/", 1000) == set()


def test_an_index_is_compacted_and_swept(store: S3ObjectStore, client: S3Client, tmp_path: Path) -> None:
    attempt = IndexWriter(store).begin(KEY)
    for image_id in range(40):
        attempt.commit(batch(image_id), removed=[image_id - 1] if image_id % 4 == 1 else [])
    maintenance = IndexMaintenance(store)
    assert maintenance.compact(KEY, whole=True).spans == 1
    assert maintenance.check(KEY).errors == []
    left = set(range(40)) - set(range(0, 40, 4))
    answer = IndexReader(store, disk_dir=tmp_path).search([KEY], QUERY, 100)
    assert ({hit.image_id for hit in answer.hits}, answer.problems) == (left, [])
    for ahead in (3600, 7200):
        IndexMaintenance(store, clock=lambda ahead=ahead: time.time() + ahead).sweep(KEY)
    names = [
        entry["Key"].removeprefix(KEY.prefix) for entry in client.list_objects_v2(Bucket=BUCKET)["Contents"]
    ]
    assert sorted(name.split("/")[0] for name in names) == ["attempts", "manifest.json", "segments"]


def test_the_repeat_of_a_request_whose_answer_was_lost_is_recognised(
    store: S3ObjectStore, client: S3Client, tmp_path: Path
) -> None:
    """boto3 repeats a request by itself: S3 carried the first out, and refuses the second."""
    repeating = boto3.client("s3", config=CONFIG.merge(Config(retries={"total_max_attempts": 2})))
    answers: list[int] = []

    def lose_every_other(response_dict: dict[str, Any], **_: Any) -> None:
        answers.append(response_dict["status_code"])
        if len(answers) % 2:
            response_dict["status_code"] = 500

    repeating.meta.events.register("before-parse.s3.PutObject", lose_every_other)
    commit = IndexWriter(S3ObjectStore(BUCKET, repeating)).begin(KEY).commit(batch(1, 2))
    assert commit.version == 1
    assert answers == [200, 412, 200, 412]  # the segment, the manifest
    answer = IndexReader(store, disk_dir=tmp_path).search([KEY], QUERY, 5, {KEY: 1})
    assert {hit.image_id for hit in answer.hits} == {1, 2}


def test_parallel_commits_are_all_found(store: S3ObjectStore, tmp_path: Path) -> None:
    def commit(image_id: int) -> int:
        rng = random.Random(image_id)
        writer = IndexWriter(store, policy=RetryPolicy(tries=200, base_seconds=0.001), rng=rng)
        attempt = writer.begin(KEY)
        return attempt.commit(batch(image_id), removed=[image_id]).version

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(commit, range(20)))
    assert sorted(versions) == list(range(1, 21))
    answer = IndexReader(store, disk_dir=tmp_path).search([KEY], QUERY, 100)
    assert (sorted(hit.image_id for hit in answer.hits), answer.problems) == (list(range(20)), [])


def test_a_deletion_leaves_one_object(store: S3ObjectStore, client: S3Client, tmp_path: Path) -> None:
    writer, reader = IndexWriter(store), IndexReader(store, disk_dir=tmp_path)
    late = writer.begin(KEY)
    for image_id in range(3):
        writer.begin(KEY).commit(batch(image_id), removed=[99])
    assert len(reader.search([KEY], QUERY, 5).hits) == 3
    writer.delete(KEY)
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET)["Contents"]] == [KEY.manifest]
    assert reader.search([KEY], QUERY, 5).hits == []
    with pytest.raises(Exception, match="deleted in the meantime"):
        late.commit(batch(9))


def test_many_folders_that_do_not_exist_are_one_listing(
    store: S3ObjectStore, client: S3Client, tmp_path: Path
) -> None:
    IndexWriter(store).begin(KEY).commit(batch(1))
    asked: list[str] = []
    note: Callable[..., None] = lambda model, **_: asked.append(model.name)  # noqa: E731
    client.meta.events.register("before-call.s3", note)
    keys = [IndexKey("glimpse", "space-1", 1, folder_id) for folder_id in range(10_000)]
    answer = IndexReader(store, disk_dir=tmp_path).search(keys, QUERY, 5)
    assert [hit.folder_id for hit in answer.hits] == [3]
    assert sorted(asked) == ["GetObject", "GetObject", "ListObjectsV2"]
