"""A bundle's way into the bucket: complete, or not there for readers."""

import os
from pathlib import Path

import pytest
from glimpse.encoder import Bundle, BundleError
from glimpse.shelf import BundleMissing, Listing, Shelf, ShelfError, publish
from mypy_boto3_s3 import S3Client

from tests.integration.shelf.bucket import Requests, body, keys
from tests.integration.shelf.conftest import BUCKET
from tests.unit.encoder.tiny_bundle import write_bundle


def test_a_publication_holds_every_file_and_its_list(client: S3Client, bundle: Bundle) -> None:
    uploaded = publish(bundle, BUCKET, client)
    prefix = f"models/{bundle.digest}"
    assert set(keys(client)) == {f"{prefix}/{path}" for path in uploaded}
    assert uploaded[-2:] == ("config.json", "files.json")
    for file in bundle.files():
        path = file.relative_to(bundle.path).as_posix()
        assert body(client, f"{prefix}/{path}") == file.read_bytes()
    listing = Listing.parse(body(client, f"{prefix}/files.json"), "the list")
    assert listing.digest == bundle.digest
    assert listing.name == "Tiny"


def test_publishing_again_uploads_nothing(client: S3Client, bundle: Bundle) -> None:
    publish(bundle, BUCKET, client)
    requests = Requests(client)
    assert publish(bundle, BUCKET, client) == ()
    assert "PUT" not in requests.seen


@pytest.mark.parametrize("completed", range(7))
def test_a_publication_that_was_cut_off_does_not_exist_and_can_be_completed(
    client: S3Client, bundle: Bundle, tmp_path: Path, completed: int
) -> None:
    requests = Requests(client)
    requests.fail_at = completed
    with pytest.raises((ConnectionAbortedError, ShelfError)):
        publish(bundle, BUCKET, client)
    requests.fail_at = None
    with pytest.raises(BundleMissing):
        Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest)
    assert len(publish(bundle, BUCKET, client)) == 7 - completed
    assert Shelf([], BUCKET, tmp_path / "cache", client).bundle(bundle.digest).has_textual


def test_publishing_replaces_what_is_not_the_bundles(client: S3Client, bundle: Bundle) -> None:
    publish(bundle, BUCKET, client)
    whole = (bundle.path / "textual/model.onnx").read_bytes()
    key = f"models/{bundle.digest}/textual/model.onnx"
    for foreign in (whole[:-1], bytes(len(whole))):
        client.put_object(Bucket=BUCKET, Key=key, Body=foreign)
        assert publish(bundle, BUCKET, client) == ("textual/model.onnx",)
        assert body(client, key) == whole


def test_half_a_bundle_is_not_published(client: S3Client, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="has no textual/model"):
        publish(Bundle.load(write_bundle(tmp_path / "half", halves=("visual",))), BUCKET, client)
    assert not keys(client)


def test_a_file_too_large_for_one_request_goes_and_comes_in_parts(
    client: S3Client, bundle: Bundle, tmp_path: Path
) -> None:
    weights = os.urandom(2**24 + 2**23 + 1)
    (bundle.path / "visual/model.onnx.data").write_bytes(weights)
    large = Bundle.load(bundle.path)
    publish(large, BUCKET, client)
    assert client.head_object(Bucket=BUCKET, Key=f"models/{large.digest}/visual/model.onnx.data")[
        "ETag"
    ].endswith('-4"')
    fetched = Shelf([], BUCKET, tmp_path / "cache", client).bundle(large.digest, ("visual",))
    assert (fetched.path / "visual/model.onnx.data").read_bytes() == weights
    assert publish(large, BUCKET, client) == ()


def test_progress_counts_the_bytes_of_the_files(client: S3Client, bundle: Bundle) -> None:
    sent: list[int] = []
    publish(bundle, BUCKET, client, sent=sent.append)
    assert sum(sent) == sum(file.stat().st_size for file in bundle.files())
