"""The object store's promises on S3's own answers, and the index on top of it."""

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
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from glimpse.index import (
    IndexKeeper,
    IndexKey,
    IndexReader,
    IndexWriter,
    RetryPolicy,
    S3ObjectStore,
    StoreError,
    StoreUnavailable,
    VectorBatch,
    build_segment,
)
from glimpse.index.errors import Conflict, PreconditionFailed, WriteConflict
from glimpse.index.kinds import INVERTED_FROM, entry_fields
from glimpse.index.layout import segment_name
from glimpse.index.manifest import Manifest, ObjectEntry
from glimpse.index.s3 import CONFIG
from glimpse.index.store import NOT_MODIFIED, StoredObject
from mypy_boto3_s3 import S3Client

from tests.integration.index.conftest import BUCKET

KEY = IndexKey("glimpse", "space-1", 1, 3)
QUERY = np.array([1.0, 0.0], np.float32)


def batch(*image_ids: int) -> VectorBatch:
    count = len(image_ids)
    return VectorBatch(np.array(image_ids), np.tile(QUERY, (count, 1)), np.zeros(count, np.int64))


class Raw:
    """A body in the form that botocore expects of urllib3."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: object) -> list[bytes]:
        return [self.body]

    def read(self, *_: object) -> bytes:
        body, self.body = self.body, b""
        return body


def answer_with(client: S3Client, operation: str, status: int, body: bytes) -> None:
    """Have S3 answer requests of an operation so, and not carry them out."""

    def answer(request: AWSPreparedRequest, **_: Any) -> Any:
        return AWSResponse(request.url, status, HTTPHeaders(), Raw(body))

    client.meta.events.register_first(f"before-send.s3.{operation}", answer)


def error_body(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


def read(store: S3ObjectStore, key: str) -> StoredObject:
    stored = store.get(key)
    assert stored is not None
    return stored


def test_what_was_put_is_read_until_it_is_deleted(store: S3ObjectStore) -> None:
    assert store.get("a") is None
    store.put_if_none_match("a", b"1")
    assert read(store, "a").data == b"1"
    store.delete(["a", "never-there"])
    assert store.get("a") is None


def test_conditions_are_kept(store: S3ObjectStore) -> None:
    store.put_if_none_match("a", b"1")
    with pytest.raises(PreconditionFailed):
        store.put_if_none_match("a", b"2")
    tag = read(store, "a").etag
    store.put_if_match("a", b"3", tag)
    with pytest.raises(PreconditionFailed):
        store.put_if_match("a", b"4", tag)
    with pytest.raises(PreconditionFailed):
        store.put_if_match("missing", b"4", tag)
    assert read(store, "a").data == b"3"


def test_an_unchanged_object_is_not_sent_again(store: S3ObjectStore) -> None:
    store.put_if_none_match("a", b"1")
    tag = read(store, "a").etag
    assert store.get_if_none_match("a", tag) is NOT_MODIFIED
    store.put_if_match("a", b"2", tag)
    changed = store.get_if_none_match("a", tag)
    assert isinstance(changed, StoredObject)
    assert (changed.data, changed.etag != tag) == (b"2", True)
    assert store.get_if_none_match("missing", tag) is None


def test_a_part_of_an_object_is_read_alone(store: S3ObjectStore, client: S3Client) -> None:
    store.put_if_none_match("a", b"0123456789")
    assert store.get_range("a", 2, 3) == b"234"
    assert store.get_range("a", 8, 5) == b"89"
    assert store.get_range("a", 10, 1) == b""
    assert store.get_range("missing", 0, 1) is None
    answer_with(client, "GetObject", 200, b"0123456789")  # a store that knows no ranges
    assert store.get_range("a", 2, 3) == b"234"


def test_a_large_segment_is_read_in_parts(store: S3ObjectStore, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((INVERTED_FROM, 8), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    many = VectorBatch(np.arange(INVERTED_FROM), vectors, np.zeros(INVERTED_FROM, np.int64))
    data = build_segment(many, KEY.space_id)
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


def test_a_listing_goes_through_all_pages(store: S3ObjectStore, client: S3Client) -> None:
    began = time.time()
    for number in range(1005):
        client.put_object(Bucket=BUCKET, Key=f"a/{number:04}", Body=b"12")
    store.put_if_none_match("b/1", b"")
    listed = list(store.list("a/"))
    assert [item.key for item in listed] == [f"a/{number:04}" for number in range(1005)]
    assert {item.bytes for item in listed} == {2}
    assert all(began - 2 <= item.modified <= time.time() + 2 for item in listed)
    assert list(store.list("c/")) == []


def test_an_index_is_compacted_and_swept(store: S3ObjectStore, client: S3Client, tmp_path: Path) -> None:
    attempt = IndexWriter(store).begin(KEY)
    for image_id in range(40):
        attempt.commit(batch(image_id), removed=[image_id - 1] if image_id % 4 == 1 else [])
    keeper = IndexKeeper(store)
    assert keeper.compact(KEY, whole=True).spans == 1
    assert keeper.check(KEY).errors == []
    left = set(range(40)) - set(range(0, 40, 4))
    answer = IndexReader(store, disk_dir=tmp_path).search([KEY], QUERY, 100)
    assert ({hit.image_id for hit in answer.hits}, answer.problems) == (left, [])
    for ahead in (3600, 7200):
        IndexKeeper(store, clock=lambda ahead=ahead: time.time() + ahead).sweep(KEY)
    names = [
        entry["Key"].removeprefix(KEY.prefix) for entry in client.list_objects_v2(Bucket=BUCKET)["Contents"]
    ]
    assert sorted(name.split("/")[0] for name in names) == ["attempts", "manifest.json", "segments"]


def test_many_objects_are_deleted_in_batches(store: S3ObjectStore, client: S3Client) -> None:
    names = [f"o/{i}" for i in range(5)]
    for name in names:
        store.put_if_none_match(name, b"")
    store.delete(names + [f"x/{i}" for i in range(1500)])
    assert "Contents" not in client.list_objects_v2(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (412, "PreconditionFailed", PreconditionFailed),
        (409, "ConditionalRequestConflict", WriteConflict),
        (404, "NoSuchKey", PreconditionFailed),
        (500, "InternalError", StoreUnavailable),
        (503, "SlowDown", StoreUnavailable),
        (429, "TooManyRequests", StoreUnavailable),
        (403, "AccessDenied", StoreError),
        (404, "NoSuchBucket", StoreError),
    ],
)
def test_an_answer_to_a_swap_is_told_apart(
    store: S3ObjectStore, client: S3Client, status: int, code: str, error: type[Exception]
) -> None:
    answer_with(client, "PutObject", status, error_body(code))
    with pytest.raises(error) as raised:
        store.put_if_match("a", b"1", '"tag"')
    assert isinstance(raised.value, Conflict) == (status in (412, 409) or code == "NoSuchKey")
    assert isinstance(raised.value, StoreUnavailable) == (status >= 429)


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket")])
def test_a_refused_read_is_no_missing_object(
    store: S3ObjectStore, client: S3Client, status: int, code: str
) -> None:
    answer_with(client, "GetObject", status, error_body(code))
    asks: tuple[Callable[[], object], ...] = (
        lambda: store.get("a"),
        lambda: store.get_if_none_match("a", '"tag"'),
    )
    for ask in asks:
        with pytest.raises(StoreError) as raised:
            ask()
        assert not isinstance(raised.value, StoreUnavailable)


@pytest.mark.parametrize("error_class", [ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError])
def test_silence_is_no_refusal(store: S3ObjectStore, client: S3Client, error_class: Any) -> None:
    def silent(**_: Any) -> None:
        raise error_class(endpoint_url="https://s3", error="broken")

    client.meta.events.register_first("before-send.s3.*", silent)
    asks: tuple[Callable[[], object], ...] = (
        lambda: store.get("a"),
        lambda: store.put_if_none_match("a", b""),
    )
    for ask in asks:
        with pytest.raises(StoreUnavailable):
            ask()


def test_a_deletion_that_is_refused_says_so(store: S3ObjectStore, client: S3Client) -> None:
    refused = b"<Error><Key>a</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
    answer_with(client, "DeleteObjects", 200, b"<DeleteResult>" + refused + b"</DeleteResult>")
    with pytest.raises(StoreError, match="AccessDenied"):
        store.delete(["a"])


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
    with pytest.raises(Exception, match="deleted meanwhile"):
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
