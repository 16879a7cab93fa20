"""A bundle's way from the bucket: fetched by halves, checked on arrival."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from glimpse.encoder import Bundle, TextEncoder, VisualEncoder
from glimpse.shelf import (
    BundleDamaged,
    BundleMissing,
    Listing,
    Shelf,
    ShelfEntry,
    ShelfError,
    ShelfUnavailable,
    publish,
)
from mypy_boto3_s3 import S3Client

from tests.integration.shelf.bucket import Requests, body
from tests.integration.shelf.conftest import BUCKET
from tests.unit.encoder.tiny_bundle import write_bundle


@pytest.mark.parametrize(("half", "other"), [("textual", "visual"), ("visual", "textual")])
def test_one_half_is_fetched_without_the_other(
    client: S3Client, bundle: Bundle, tmp_path: Path, half: str, other: str
) -> None:
    publish(bundle, BUCKET, client)
    fetched = Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest, (half,))
    assert fetched.model_path(half).read_bytes() == bundle.model_path(half).read_bytes()
    assert not (fetched.path / other).exists()
    assert fetched.space_id == bundle.space_id


def test_what_was_fetched_embeds(client: S3Client, bundle: Bundle, tmp_path: Path) -> None:
    publish(bundle, BUCKET, client)
    fetched = Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest, ("visual", "textual"))
    assert (TextEncoder(fetched).embed_texts(["a cat"]) == TextEncoder(bundle).embed_texts(["a cat"])).all()
    assert VisualEncoder(fetched).bundle.digest == bundle.digest


def test_a_download_is_shared(client: S3Client, bundle: Bundle, tmp_path: Path) -> None:
    publish(bundle, BUCKET, client)
    Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest)
    requests = Requests(client)
    assert Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest).has_textual
    assert requests.seen == []


def test_a_download_that_a_crash_cut_short_is_fetched_again(
    client: S3Client, bundle: Bundle, tmp_path: Path
) -> None:
    publish(bundle, BUCKET, client)
    shelf = Shelf([], BUCKET, tmp_path / "cache", client)
    fetched = shelf.bundle(bundle.digest)
    fetched.model_path("textual").write_bytes(b"")
    (fetched.path / "files.json").write_bytes(b"")
    again = shelf.bundle(bundle.digest)
    assert again.model_path("textual").read_bytes() == bundle.model_path("textual").read_bytes()
    assert not [path for path in again.path.iterdir() if path.name.startswith(".")]


def test_many_at_once_fetch_one_whole_bundle(client: S3Client, bundle: Bundle, tmp_path: Path) -> None:
    publish(bundle, BUCKET, client)
    found: list[object] = []

    def fetch(half: str) -> None:
        try:
            found.append(Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest, (half,)))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=fetch, args=(half,)) for half in ("visual", "textual") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(each) for each in found] == [Bundle] * 8
    assert Bundle.load(tmp_path / "cache" / bundle.digest).digest == bundle.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda whole: whole[:-1], r"holds [\d,]+ bytes instead of [\d,]+: publish the bundle again"),
        (lambda whole: bytes(len(whole)), "has the SHA-256 [0-9a-f]{64} instead of [0-9a-f]{64}"),
        (lambda _: None, "is missing, though files.json lists it"),
    ],
    ids=["truncated", "foreign", "gone"],
)
def test_an_object_that_is_not_the_bundles_is_named_and_not_kept(
    client: S3Client, bundle: Bundle, tmp_path: Path, change: Any, message: str
) -> None:
    publish(bundle, BUCKET, client)
    key = f"models/{bundle.digest}/textual/model.onnx"
    changed = change(body(client, key))
    client.delete_object(Bucket=BUCKET, Key=key)
    if changed is not None:
        client.put_object(Bucket=BUCKET, Key=key, Body=changed)
    shelf = Shelf([], BUCKET, tmp_path / "cache", client)
    with pytest.raises(BundleDamaged, match=f"s3://{BUCKET}/{key} {message}"):
        shelf.bundle(bundle.digest)
    publish(bundle, BUCKET, client)
    assert shelf.bundle(bundle.digest).has_textual


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "visual/../../x", "/etc/passwd", "visual/..", "other/x"]
)
def test_a_list_that_points_outside_is_refused(
    client: S3Client, bundle: Bundle, tmp_path: Path, path: str
) -> None:
    publish(bundle, BUCKET, client)
    key = f"models/{bundle.digest}/files.json"
    content = json.loads(body(client, key))
    content["files"][0]["path"] = path
    client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content).encode())
    with pytest.raises(BundleDamaged, match=f"{key} is not a list of a bundle's files"):
        Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest)


def test_the_list_of_another_bundle_is_refused(client: S3Client, bundle: Bundle, tmp_path: Path) -> None:
    other = Bundle.load(write_bundle(tmp_path / "other", space_id="other"))
    publish(bundle, BUCKET, client)
    publish(other, BUCKET, client)
    stolen = body(client, f"models/{other.digest}/files.json")
    client.put_object(Bucket=BUCKET, Key=f"models/{bundle.digest}/files.json", Body=stolen)
    with pytest.raises(BundleDamaged, match=f"lists another bundle, {other.digest}"):
        Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest)


def test_a_folder_is_preferred_to_the_bucket(client: S3Client, bundle: Bundle, tmp_path: Path) -> None:
    requests = Requests(client)
    shelf = Shelf([bundle.path.parent], BUCKET, tmp_path / "cache", client)
    assert shelf.bundle(bundle.digest, ("visual", "textual")).path == bundle.path
    assert requests.seen == []
    assert not (tmp_path / "cache").exists()


def test_a_half_that_the_folder_lacks_comes_from_the_bucket(
    client: S3Client, bundle: Bundle, tmp_path: Path
) -> None:
    publish(bundle, BUCKET, client)
    image = tmp_path / "image"
    shutil.copytree(bundle.path / "visual", image / "tiny/visual")
    shutil.copy(bundle.path / "config.json", image / "tiny")
    (image / "tiny/files.json").write_bytes(Listing.of(bundle).dump())
    shelf = Shelf([image], BUCKET, tmp_path / "cache", client)
    assert shelf.bundle(bundle.digest, ("visual",)).path == image / "tiny"
    assert shelf.bundle(bundle.digest, ("textual",)).path == tmp_path / "cache" / bundle.digest


def test_an_unusable_neighbour_is_told_only_where_the_bundle_is_nowhere(
    client: S3Client, bundle: Bundle, tmp_path: Path
) -> None:
    neighbour = bundle.path.parent / "broken"
    neighbour.mkdir()
    (neighbour / "config.json").write_text("{}")
    shelf = Shelf([bundle.path.parent], BUCKET, tmp_path / "cache", client)
    assert shelf.bundle(bundle.digest).path == bundle.path
    with pytest.raises(
        BundleMissing, match=r"is not in .*/installed or s3://.*: publish it; .*/broken is not a bundle"
    ):
        shelf.bundle("0" * 64)


def test_without_a_bucket_there_are_the_folders_alone(bundle: Bundle, tmp_path: Path) -> None:
    shelf = Shelf([bundle.path.parent, tmp_path / "nowhere"], None, tmp_path / "cache")
    assert shelf.bundle(bundle.digest).path == bundle.path
    with pytest.raises(BundleMissing):
        shelf.bundle("0" * 64)


def test_what_is_no_digest_reaches_no_key(client: S3Client, tmp_path: Path) -> None:
    requests = Requests(client)
    with pytest.raises(ValueError, match="not a bundle digest"):
        Shelf([], BUCKET, tmp_path / "cache", client).bundle("../indexes")
    assert requests.seen == []


def test_what_this_machine_holds_is_not_published_by_that(
    client: S3Client, bundle: Bundle, tmp_path: Path
) -> None:
    shelf = Shelf([bundle.path.parent], BUCKET, tmp_path / "cache", client)
    assert shelf.entry(bundle.digest)
    assert not shelf.is_published(bundle.digest)
    publish(bundle, BUCKET, client)
    assert shelf.is_published(bundle.digest)
    client.delete_object(Bucket=BUCKET, Key=f"models/{bundle.digest}/files.json")
    assert not shelf.is_published(bundle.digest), "although it was seen there before"


def test_an_entry_tells_the_whole_bundle_without_its_models(
    client: S3Client, bundle: Bundle, tmp_path: Path
) -> None:
    publish(bundle, BUCKET, client)
    entry = Shelf([], BUCKET, tmp_path / "cache", client).entry(bundle.digest)
    assert entry == ShelfEntry(bundle.digest, "Tiny", "tiny-1", 6, frozenset({"visual", "textual"}))
    assert not list((tmp_path / "cache").rglob("model.onnx"))
    assert Shelf([bundle.path.parent], None).entry(bundle.digest) == entry


def test_an_entry_of_a_space_that_is_not_declared(client: S3Client, tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "plain", space_id=None))
    publish(bundle, BUCKET, client)
    entry = Shelf([], BUCKET, tmp_path / "cache", client).entry(bundle.digest)
    assert (entry.space_id, entry.name) == (bundle.space_id, "plain")


def test_a_bucket_that_refuses_is_told_from_one_that_does_not_answer(
    client: S3Client, bundle: Bundle, tmp_path: Path
) -> None:
    refused = Shelf([], "no-such-bucket", tmp_path / "cache", client)
    with pytest.raises(
        ShelfError, match=r"S3 refused GetObject of s3://no-such-bucket/models/.*: 404 NoSuchBucket"
    ):
        refused.bundle(bundle.digest)
    publish(bundle, BUCKET, client)
    client.meta.events.register("before-send.s3", _nobody)
    with pytest.raises(ShelfUnavailable, match=f"S3 answered 503 SlowDown for s3://{BUCKET}/models/"):
        Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest)


def test_a_full_disk_is_told_before_anything_is_fetched(
    client: S3Client, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(bundle, BUCKET, client)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 0, 10))
    with pytest.raises(ShelfError, match="give the function more ephemeral storage"):
        Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest)
    assert not list((tmp_path / "cache" / bundle.digest).iterdir())


def test_a_cache_of_another_user_is_not_trusted(
    client: S3Client, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(bundle, BUCKET, client)
    shelf = Shelf([], BUCKET, tmp_path / "cache", client)
    shelf.bundle(bundle.digest)
    monkeypatch.setattr(os, "getuid", lambda: (tmp_path / "cache").stat().st_uid + 1)
    with pytest.raises(ShelfError, match="belongs to another user"):
        shelf.bundle(bundle.digest)


def _nobody(request: Any, **_: object) -> Any:
    from botocore.awsrequest import AWSResponse

    body = b"<Error><Code>SlowDown</Code></Error>"
    return AWSResponse(request.url, 503, {}, _Raw(body))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Any:
        yield self._body
