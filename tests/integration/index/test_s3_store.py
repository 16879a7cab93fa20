"""The object store's promises on S3's own answers."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from glimpse.index import S3ObjectStore, StoreError, StoreUnavailable
from glimpse.index.errors import Conflict, ObjectDamaged, PreconditionFailed, WriteConflict
from glimpse.index.format import blobs
from glimpse.index.store.object_store import StoredObject
from mypy_boto3_s3 import S3Client

from tests.integration.index.conftest import BUCKET


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


def test_a_part_is_cut_out_where_ranges_are_not_known(store: S3ObjectStore, client: S3Client) -> None:
    answer_with(client, "GetObject", 200, b"0123456789")
    assert store.get_range("a", 2, 3) == b"234"


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


def test_a_mapped_file_is_written_whole_after_an_outage(
    store: S3ObjectStore, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "_IN_MEMORY_BYTES", 0)

    def failing(request: AWSPreparedRequest, **_: Any) -> Any:
        assert not isinstance(request.body, bytes)
        request.body.read()  # sending it leaves it at its end
        return AWSResponse(request.url, 503, HTTPHeaders(), Raw(error_body("SlowDown")))

    with blobs.collected([b"a" * 1000, b"b" * 1000]) as blob:
        client.meta.events.register_first("before-send.s3.PutObject", failing)
        with pytest.raises(StoreUnavailable):
            store.put_if_none_match("indexes/large", blob.data)
        client.meta.events.unregister("before-send.s3.PutObject", failing)
        store.put_if_none_match("indexes/again", blob.data)
    assert read(store, "indexes/again").data == b"a" * 1000 + b"b" * 1000


def test_bytes_that_fail_their_checksum_are_damaged(store: S3ObjectStore, client: S3Client) -> None:
    """Every try would read the same bytes: search leaves the object out, and a check names it."""

    def altered(request: AWSPreparedRequest, **_: Any) -> Any:
        headers = HTTPHeaders()
        headers["ETag"], headers["x-amz-checksum-crc32"] = '"tag"', "AAAAAA=="
        return AWSResponse(request.url, 200, headers, Raw(b"what nobody wrote"))

    client.meta.events.register_first("before-send.s3.GetObject", altered)
    for ask in (lambda: store.get("a"), lambda: store.get_if_none_match("a", '"other"')):
        with pytest.raises(ObjectDamaged, match="checksum"):
            ask()
