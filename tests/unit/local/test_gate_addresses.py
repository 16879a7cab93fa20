"""Signed addresses and forms at the gate: the signature is the permission, for what it covers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.local.gated import BASE, PAGE, PORT, ROLE, Inner, Signer


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def address() -> str:
    parameters = {"Bucket": "images", "Key": "uploads/1/2/ü (1).jpg", "ResponseContentType": "image/jpeg"}
    client = Signer(ROLE).client("s3")
    return str(client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=600))


@pytest.mark.parametrize(
    ("origin", "named"), [(None, None), (PAGE, PAGE), ("http://evil.example", None), ("null", None)]
)
def test_a_signed_address_is_the_permission_but_only_the_page_may_read_it(
    inner: Inner, address: str, origin: str | None, named: str | None
) -> None:
    answer = inner.send("GET", address, headers={"origin": origin} if origin else {})
    assert answer.status_code == 200
    assert answer.headers.get("access-control-allow-origin") == named


def test_a_signed_address_is_good_as_it_is_and_for_its_time(inner: Inner, address: str) -> None:
    elsewhere = Signer().client("s3")
    foreign = elsewhere.generate_presigned_url("get_object", Params={"Bucket": "index", "Key": "k"})
    writing = elsewhere.generate_presigned_url("put_object", Params={"Bucket": "images", "Key": "k"})
    for url in (
        address.replace("uploads/1", "uploads/2"),
        address.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"),
        address + "&versionId=1",
        address + "&X-Amz-Expires=600",
        address.replace("ASIAROLE", "test"),
        address.replace("/images/", "/index/"),
        address.replace("/images/uploads", "/_ministack/uploads"),
    ):
        assert not inner.passes("GET", url)
    assert not inner.passes("HEAD", address)
    for method, url in (("GET", foreign), ("PUT", writing)):  # an operator's tool may, a page may not
        assert inner.passes(method, url)
        for origin in (PAGE, "http://evil.example", "null"):
            assert not inner.passes(method, url, headers={"origin": origin})
    assert not inner.passes("GET", address, headers={"host": f"rebound.example:{PORT}"})
    inner.now += timedelta(minutes=11)
    assert not inner.passes("GET", address)


@pytest.mark.parametrize(
    "header",
    [{"x-amz-target": "DynamoDB_20120810.ListTables"}, {"x-amz-copy-source": "/index/manifest.json"}],
)
def test_headers_that_are_not_signed_can_not_make_another_request_of_it(
    inner: Inner, address: str, header: dict[str, str]
) -> None:
    client = Signer(ROLE).client("s3")
    writing = client.generate_presigned_url("put_object", Params={"Bucket": "images", "Key": "k"})
    form = client.generate_presigned_post("images", "uploads/1")
    assert not inner.passes("GET", address, headers=header)
    assert not inner.passes("PUT", writing, headers=header)
    assert not inner.passes("POST", form["url"], data=form["fields"], files={"file": b"x"}, headers=header)


def test_a_signed_form_passes_from_any_page(inner: Inner) -> None:
    form = Signer(ROLE).client("s3").generate_presigned_post("images", "uploads/1", ExpiresIn=600)
    large = b"\r\n" * 300_000
    sent = {"data": form["fields"], "files": {"file": ("ü.jpg", large)}}
    for origin in (None, PAGE, "http://evil.example"):
        assert inner.passes("POST", form["url"], headers={"origin": origin} if origin else {}, **sent)
        assert large in inner.reached[-1][2]


@pytest.mark.parametrize(
    "change",
    [
        {"policy": "e30="},
        {"x-amz-signature": "0" * 64},
        {"x-amz-credential": "test/20260101/us-east-1/s3/aws4_request"},
        {"x-amz-security-token": "another"},
        {"policy": None, "x-amz-signature": None, "x-amz-credential": None},
    ],
)
def test_an_unsigned_form_is_refused(inner: Inner, change: dict[str, str | None]) -> None:
    form = Signer(ROLE).client("s3").generate_presigned_post("images", "uploads/1")
    fields = {name: value for name, value in {**form["fields"], **change}.items() if value is not None}
    assert not inner.passes("POST", form["url"], data=fields, files={"file": b"x"})
    assert not inner.passes("POST", form["url"], data=form["fields"], files={"other": b"x"})
    assert not inner.passes("POST", f"{BASE}/", data=form["fields"], files={"file": b"x"})
    assert not inner.passes("POST", f"{BASE}/index", data=form["fields"], files={"file": b"x"})
    assert not inner.passes("POST", f"{BASE}/images", data={"x": "y" * 100_000}, files={"file": b"x"})


def _body(fields: dict[str, str], *, disposition: str, extra: str = "") -> bytes:
    """A form as no client writes it; the file, and what another reader may take for the form, at its end."""
    parts = [
        f"--B\r\n{disposition.format(name=name)}{extra}\r\n\r\n{value}\r\n" for name, value in fields.items()
    ]
    end = '--B\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--B--\r\n'
    return "".join([*parts, end]).encode()


NAME_FIRST = 'Content-Disposition: form-data; name="{name}"'


@pytest.mark.parametrize(
    ("content_type", "disposition", "extra", "passes"),
    [
        ("multipart/form-data; boundary=B", NAME_FIRST, "", True),
        (
            'multipart/form-data; boundary="B"; charset=utf-8',
            NAME_FIRST,
            "\r\nContent-Type: text/plain",
            True,
        ),
        ("multipart/form-data; boundary=B", "Content-Disposition: form-data; name={name}", "", True),
        ("multipart/form-data; xboundary=A; boundary=B", NAME_FIRST, "", False),
        ("multipart/form-data; boundary=B; x=boundary=A", NAME_FIRST, "", False),
        (
            "multipart/form-data; boundary=B",
            'Content-Disposition: form-data; filename="x"; name="{name}"',
            "",
            False,
        ),
        ("multipart/form-data; boundary=B", NAME_FIRST, "\r\nX: --B", False),
    ],
)
def test_a_form_that_two_readers_read_differently_is_refused(
    inner: Inner, content_type: str, disposition: str, extra: str, passes: bool
) -> None:
    form = Signer(ROLE).client("s3").generate_presigned_post("images", "uploads/1")
    body = _body(form["fields"], disposition=disposition, extra=extra)
    headers = {"content-type": content_type}
    assert inner.passes("POST", form["url"], content=body, headers=headers) is passes
