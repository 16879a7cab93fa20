"""Files as clients name them, or do not: every part of a form is an image of the job, or told of."""

from typing import Any

import pytest
from glimpse.records import ImageStore

from functions.api.forms import plainly_named
from functions.api.services.uploads import MAX_FILES
from tests.integration.api.uploading import JPEG


def part(disposition: str, body: bytes, media_type: str = "") -> bytes:
    kind = f"\r\nContent-Type: {media_type}" if media_type else ""
    return f"--x\r\nContent-Disposition: form-data; {disposition}{kind}\r\n\r\n".encode() + body + b"\r\n"


def post(client: Any, token: str, *parts: bytes) -> Any:
    head = part('name="token"', token.encode()) + part('name="folderName"', b"mixed")
    body = head + b"".join(parts) + b"--x--\r\n"
    return client.send(
        "POST", "/api/images/upload", body=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )


NAMES = {
    'filename="cat.jpg"': "cat.jpg",
    "filename*=utf-8''k%C3%A4tzchen.jpg": "kätzchen.jpg",
    "filename*=UTF-8'de'k%C3%A4tzchen.jpg": "kätzchen.jpg",
    "filename*=iso-8859-1''k%E4tzchen.jpg": "kätzchen.jpg",
    "filename*0*=utf-8''k%C3%A4tz; filename*1=chen.jpg": "kätzchen.jpg",
    "filename=\"cat.jpg\"; filename*=utf-8''k%C3%A4tzchen.jpg": "cat.jpg",
    'filename="=?utf-8?B?a8OkdHpjaGVuLmpwZw==?="': "kätzchen.jpg",
    'filename="=?utf-8?Q?k=C3=A4tzchen.jpg?="': "kätzchen.jpg",
    'filename="kätzchen.jpg"': "kätzchen.jpg",
    "filename*=utf-8''a%22b%5Cc%0D%0A.jpg": "c.jpg",
    'filename="C:\\photos\\cat.jpg"': "cat.jpg",
    "filename*=nonsense''%ff.jpg": "\ufffd.jpg",
    "FILENAME*=UTF-8''k%C3%A4tzchen.jpg": "kätzchen.jpg",
    "FileName*0*=utf-8''k%C3%A4tz; FileName*1=chen.jpg": "kätzchen.jpg",
    "filename *=utf-8''cat.jpg": "cat.jpg",
    'FILENAME="cat.jpg"': "cat.jpg",
}


@pytest.mark.parametrize("spelling", NAMES)
def test_a_file_name_is_read_in_every_spelling(client: Any, spelling: str) -> None:
    answer = post(client, client.account(), part(f'name="files"; {spelling}', JPEG, "image/jpeg"))
    assert (answer.status, answer.json.get("uploaded_count")) == (200, 1), answer.text
    (record,) = ImageStore().list_folder(1)
    assert record.name == NAMES[spelling]
    assert record.size == len(JPEG)


@pytest.mark.parametrize("field", ['NAME="files"', "name*=utf-8''files"])
def test_a_field_is_known_in_every_spelling(client: Any, field: str) -> None:
    answer = post(client, client.account(), part(f'{field}; filename="cat.jpg"', JPEG, "image/jpeg"))
    assert (answer.status, answer.json.get("uploaded_count")) == (200, 1), answer.text


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("without-suffix", ""),
        ("wechat.pic", ""),
        ("a.txt", "text/plain"),
        ("a.pdf", "application/pdf"),
        ("a", "?/?"),
    ],
)
def test_bytes_make_an_image(client: Any, name: str, declared: str) -> None:
    answer = post(client, client.account(), part(f'name="files"; filename="{name}"', JPEG, declared))
    assert (answer.status, answer.json.get("uploaded_count")) == (200, 1)
    (record,) = ImageStore().list_folder(1)
    assert record.content_type == "image/jpeg"


@pytest.mark.parametrize("nameless", ['name="files"; filename=""', 'name="files"', "name=files"])
def test_bytes_without_a_name_are_told_of(client: Any, nameless: str) -> None:
    token = client.account()
    good = part('name="files"; filename="cat.jpg"', JPEG, "image/jpeg")
    answer = post(client, token, good, part(nameless, JPEG, "image/jpeg"))
    assert (answer.status, answer.json["uploaded_count"]) == (200, 1)
    job = client.get(f"/api/images/job-status/{answer.json['job_id']}", token).json
    assert job["total_images"] == 2
    assert "has no name" in job["failed_images"][0]["reason"]
    alone = post(client, token, part(nameless, JPEG, "image/jpeg"))
    assert alone.status == 400
    assert "has no name" in alone.json["detail"]


def test_an_empty_input_of_a_browser_is_no_file(client: Any) -> None:
    token = client.account()
    empty = part('name="files"; filename=""', b"", "application/octet-stream")
    answer = post(client, token, empty, part('name="files"; filename="cat.jpg"', JPEG))
    job = client.get(f"/api/images/job-status/{answer.json['job_id']}", token).json
    assert (job["total_images"], job["failed_images"]) == (1, [])


@pytest.mark.parametrize("count", [MAX_FILES, MAX_FILES + 1, 3 * MAX_FILES])
def test_there_is_one_limit_of_files_and_one_answer(client: Any, count: int) -> None:
    token = client.account()
    answer = post(client, token, *[part('name="files"; filename="a.txt"', b"words")] * count)
    files = [{"name": "a.txt", "size": 5}] * count
    direct = client.json("POST", "/api/uploads", {"folderName": "mixed", "files": files}, token)
    assert (answer.status, direct.status) == ((400, 400) if count == MAX_FILES else (413, 413))
    assert answer.json["detail"] == direct.json["detail"]


def test_a_plain_name_stays_as_it_came() -> None:
    for plain in (b'form-data; name="files"; filename="a.jpg"', b'form-data; name="token"', b"form-data"):
        assert plainly_named(plain) == plain
