"""Addresses that browsers are given: the host that they name is the one that answers."""

from urllib.parse import urlsplit

import pytest

from functions.api.storage.objects import S3UploadBucket


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(variable, raising=False)


def places(store: S3UploadBucket) -> list[tuple[str, str]]:
    """Host and path of an address to GET, and of one to POST to."""
    urls = [
        urlsplit(url) for url in (store.sign_get("uploads/a.jpg"), store.sign_post("b", 1, "image/png").url)
    ]
    return [(url.netloc, url.path) for url in urls]


def test_in_aws_they_name_the_region_of_the_bucket() -> None:
    # The global host would redirect, and a signature holds for one host only.
    host = "photographs.s3.eu-central-1.amazonaws.com"
    assert places(S3UploadBucket("photographs")) == [(host, "/uploads/a.jpg"), (host, "/")]


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_of_ones_own_has_one_host(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://localhost:4566")
    assert places(S3UploadBucket("photographs")) == [
        ("localhost:4566", "/photographs/uploads/a.jpg"),
        ("localhost:4566", "/photographs"),
    ]
