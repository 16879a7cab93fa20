"""Both ways to upload, and how far an upload is, through the Lambda handler."""

import base64
import json
from typing import Any

import pytest
from glimpse.keys import MAX_ID, UploadKey
from glimpse.records import ImageStatus, ImageStore

from functions.api.services.uploads import MAX_FILE_BYTES
from functions.api.storage.folders import OwnedFolderStore
from tests.integration.api.conftest import BUCKET
from tests.integration.api.uploading import JPEG, index, upload


def keys(s3: Any) -> list[str]:
    listed = s3.list_objects_v2(Bucket=BUCKET)
    return [item["Key"] for item in listed.get("Contents", [])]


def test_a_multipart_upload_has_its_job_records_and_objects(client: Any, s3: Any) -> None:
    token = client.account()
    answer = upload(client, token, "summer", "2024/beach/cat.jpg", "dog.jpg")
    assert answer.status == 200
    assert answer.json == {"message": "2 images uploaded.", "folder_id": 1, "uploaded_count": 2, "job_id": 1}
    assert keys(s3) == ["uploads/1/1/1/cat.jpg", "uploads/1/1/2/dog.jpg"]
    head = s3.get_object(Bucket=BUCKET, Key="uploads/1/1/1/cat.jpg")
    assert (head["Body"].read(), head["ContentType"]) == (JPEG, "image/jpeg")
    records = list(ImageStore().list_folder(1))
    assert [(r.name, r.status, r.size, r.job_id) for r in records] == [
        ("cat.jpg", ImageStatus.PENDING, len(JPEG), 1),
        ("dog.jpg", ImageStatus.PENDING, len(JPEG), 1),
    ]


def test_an_upload_to_a_known_name_appends(client: Any) -> None:
    token = client.account()
    first = upload(client, token, "summer", "a.jpg").json
    second = upload(client, token, "  summer ", "b.jpg").json
    assert (first["folder_id"], first["job_id"]) == (1, 1)
    assert (second["folder_id"], second["job_id"]) == (1, 2)
    other = client.account("grace")
    assert upload(client, other, "summer", "c.jpg").json["folder_id"] != 1


def test_files_that_are_no_images_are_named_by_the_job(client: Any, s3: Any) -> None:
    token = client.account()
    files = [
        ("cat.jpg", JPEG, "image/jpeg"),
        ("notes.txt", b"words", "text/plain"),
        ("empty.png", b"", "image/png"),
        ("renamed.jpg", b"words", "text/plain"),
    ]
    answer = client.form("/api/images/upload", {"token": token, "folderName": "mixed"}, files)
    assert answer.status == 200
    assert answer.json["uploaded_count"] == 2
    job = client.get(f"/api/images/job-status/{answer.json['job_id']}", token).json
    assert (job["status"], job["total_images"], job["processed_images"]) == ("PROCESSING", 4, 2)
    assert [failed["name"] for failed in job["failed_images"]] == ["notes.txt", "empty.png"]
    assert "notes.txt" in job["error_message"]
    assert "empty" in job["failed_images"][1]["reason"]
    assert len(keys(s3)) == 2


@pytest.mark.parametrize(
    "files", [[], [("notes.txt", b"words", "text/plain")], [("", b"", "application/octet-stream")]]
)
def test_an_upload_without_any_image_is_400_and_leaves_no_folder(client: Any, files: Any) -> None:
    token = client.account()
    answer = client.form("/api/images/upload", {"token": token, "folderName": "empty"}, files)
    assert answer.status == 400
    assert isinstance(answer.json["detail"], str)
    assert client.get("/api/folders", token).json["folders"] == []


def test_an_empty_file_alone_is_a_failed_image_of_a_failed_job(client: Any) -> None:
    token = client.account()
    files = [("empty.jpg", b"", "image/jpeg")]
    answer = client.form("/api/images/upload", {"token": token, "folderName": "mixed"}, files)
    assert (answer.status, answer.json["uploaded_count"]) == (200, 0)
    job = client.get(f"/api/images/job-status/{answer.json['job_id']}", token).json
    assert (job["status"], job["progress_percentage"]) == ("FAILED", 100.0)


@pytest.mark.parametrize("folder", ["", "   ", "x" * 256, "a\x00b", "a\nb"])
def test_a_folder_name_that_cannot_be_one_is_422(client: Any, folder: str) -> None:
    token = client.account()
    body = {"token": token, "folderName": folder, "files": [{"name": "a.jpg", "size": 5}]}
    answer = client.json("POST", "/api/uploads", body)
    assert answer.status == 422
    assert answer.json["detail"]


@pytest.mark.parametrize("field", ["name", "content_type", "folderName"])
def test_half_a_surrogate_pair_is_refused_wherever_text_is_sent(client: Any, field: str) -> None:
    token = client.account()
    file = {"name": "a.jpg", "size": 5, "content_type": "image/jpeg"}
    body = {"token": token, "folderName": "summer", "files": [file]}
    (file if field in file else body)[field] = "\ud800"
    answer = client.json("POST", "/api/uploads", body)
    assert answer.status == 422
    assert answer.json["detail"]


def test_an_image_that_could_not_be_stored_says_so(client: Any, s3: Any) -> None:
    token = client.account()
    s3.delete_bucket(Bucket=BUCKET)
    answer = upload(client, token, "summer", "cat.jpg").json
    assert answer["uploaded_count"] == 0
    job = client.get(f"/api/images/job-status/{answer['job_id']}", token).json
    assert job["status"] == "FAILED"
    assert "upload it again" in job["failed_images"][0]["reason"]
    assert BUCKET not in json.dumps(job)


def test_images_that_could_not_be_stored_in_a_folder_that_is_gone_are_answered(
    client: Any, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = client.account()
    s3.delete_bucket(Bucket=BUCKET)
    put_pending = ImageStore.put_pending

    def put_and_lose(self: ImageStore, records: Any) -> None:
        put_pending(self, records)
        folders = OwnedFolderStore()
        folders.hide(folders.get_many([1])[1])

    monkeypatch.setattr(ImageStore, "put_pending", put_and_lose)
    answer = upload(client, token, "summer", *(f"{number}.jpg" for number in range(20)))
    assert answer.status == 200
    assert answer.json["uploaded_count"] == 0


def test_a_direct_upload_signs_exactly_what_was_announced(client: Any) -> None:
    token = client.account()
    body = {
        "token": token,
        "folderName": "direct",
        "files": [
            {"name": "2024/cat.jpg", "size": 1234, "content_type": "image/jpeg"},
            {"name": "page.html", "size": 5, "content_type": "text/html"},
            {"name": "script.jpg", "size": 5, "content_type": "text/html"},
            {"name": "empty.png", "size": 0, "content_type": "image/png"},
            {"name": "huge.png", "size": MAX_FILE_BYTES + 1, "content_type": "image/png"},
        ],
    }
    answer = client.json("POST", "/api/uploads", body).json
    assert [(item["index"], item["name"]) for item in answer["uploads"]] == [
        (0, "2024/cat.jpg"),
        (2, "script.jpg"),
    ]
    assert [(item["index"], item["name"]) for item in answer["rejected"]] == [
        (1, "page.html"),
        (3, "empty.png"),
        (4, "huge.png"),
    ]
    assert all(item["reason"].endswith(".") for item in answer["rejected"])
    for item, size in zip(answer["uploads"], (1234, 5), strict=True):
        fields = item["fields"]
        key = UploadKey.parse(fields["key"])
        assert (key.folder_id, key.image_id) == (answer["folder_id"], item["image_id"])
        assert fields["Content-Type"] == "image/jpeg"
        conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
        assert ["content-length-range", size, size] in conditions
        assert {"Content-Type": "image/jpeg"} in conditions
        assert {"key": fields["key"]} in conditions
    job = client.get(f"/api/images/job-status/{answer['job_id']}", token).json
    assert (job["status"], job["total_images"], job["processed_images"]) == ("PROCESSING", 5, 3)


def test_a_direct_upload_by_folder_id_needs_the_folder(client: Any) -> None:
    token, other = client.account(), client.account("grace")
    folder_id = upload(client, token, "summer", "a.jpg").json["folder_id"]
    body = {"folder_id": folder_id, "files": [{"name": "b.jpg", "size": 5}]}
    assert client.json("POST", "/api/uploads", body, token).json["folder_id"] == folder_id
    foreign = client.json("POST", "/api/uploads", body, other)
    unknown = client.json("POST", "/api/uploads", body | {"folder_id": 999}, other)
    assert (foreign.status, unknown.status) == (403, 403)
    assert foreign.json == unknown.json


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"files": [{"name": "a.jpg", "size": 1}] * 501}, 413),
        ({"files": [{"name": "a.jpg", "size": MAX_FILE_BYTES + 1}]}, 413),
        ({"files": []}, 400),
        ({"files": [{"name": "a.txt", "size": 1, "content_type": "text/plain"}]}, 400),
        ({"files": [{"name": "a.jpg", "size": -1}]}, 422),
        ({"files": [{"name": "a.jpg", "size": 2**53}]}, 422),
        ({"files": [{"name": "", "size": 1}]}, 422),
        ({"files": [{"name": "\ud800.jpg", "size": 1}]}, 422),
        ({"files": [{"name": "a.jpg", "size": float("nan")}]}, 422),
        ({"files": "a.jpg"}, 422),
        ({"files": [{}] * 20_000}, 422),
        ({"folderName": None}, 422),
        ({"folderName": "x\ud800"}, 422),
        ({"folderName": None, "folder_id": MAX_ID + 1}, 422),
        ({"folderName": None, "folder_id": True}, 422),
        ({"folderName": None, "folder_id": MAX_ID}, 403),
    ],
)
def test_a_bad_announcement_is_answered(client: Any, change: dict[str, Any], status: int) -> None:
    body = {"folderName": "direct", "files": [{"name": "a.jpg", "size": 1}]} | change
    answer = client.json("POST", "/api/uploads", body, client.account())
    assert answer.status == status
    assert answer.json["detail"]
    assert len(answer.text) < 10_000


def test_a_hundred_and_fifty_files_at_once(client: Any) -> None:
    files = [{"name": f"{number}.jpg", "size": number + 1} for number in range(150)]
    body = {"folder_name": "many", "files": files}
    answer = client.json("POST", "/api/uploads", body, client.account())
    assert answer.status == 200
    assert len({item["image_id"] for item in answer.json["uploads"]}) == 150
    assert len(list(ImageStore().list_folder(answer.json["folder_id"]))) == 150


def test_job_status_follows_the_images(client: Any) -> None:
    token = client.account()
    job_id = upload(client, token, "summer", "a.jpg", "b.jpg", "c.jpg").json["job_id"]
    path = f"/api/images/job-status/{job_id}"
    pending = client.get(path, token).json
    assert {
        "job_id": job_id,
        "status": "PENDING",
        "total_images": 3,
        "processed_images": 0,
    }.items() <= pending.items()
    assert (pending["progress_percentage"], pending["error_message"]) == (0.0, None)
    index(1, 1)
    assert client.get(path, token).json["status"] == "PROCESSING"
    assert client.get(path, token).json["progress_percentage"] == 33.3
    index(1, 2)
    failed = ImageStore().get(1, 3)
    assert failed
    ImageStore().mark_failed(failed, "The file is truncated.", sequencer="01")
    done = client.get(path, token).json
    assert (done["status"], done["progress_percentage"]) == ("COMPLETED", 100.0)
    assert "c.jpg: The file is truncated." in done["error_message"]
    assert done["failed_images"] == [{"image_id": 3, "name": "c.jpg", "reason": "The file is truncated."}]


def test_a_job_ends_with_its_folder(client: Any) -> None:
    token = client.account()
    finished = upload(client, token, "summer", "a.jpg").json["job_id"]
    index(1, 1)
    cut_short = upload(client, token, "summer", "b.jpg", "c.jpg").json["job_id"]
    index(1, 2)
    assert client.json("DELETE", "/api/folders", {"folder_ids": [1]}, token).status == 200
    job = client.get(f"/api/images/job-status/{cut_short}", token).json
    assert (job["status"], job["processed_images"]) == ("FAILED", 1)
    assert job["error_message"] == "The folder was deleted before all of its images were processed."
    assert client.get(f"/api/images/job-status/{finished}", token).json["status"] == "COMPLETED"


@pytest.mark.parametrize("job_id", ["2", "0", "-1", str(2**53), "9" * 400])
def test_an_unknown_job_and_a_foreign_one_answer_alike(client: Any, job_id: str) -> None:
    upload(client, client.account(), "summer", "a.jpg")
    other = client.account("grace")
    unknown = client.get(f"/api/images/job-status/{job_id}", other)
    foreign = client.get("/api/images/job-status/1", other)
    assert (unknown.status, foreign.status) == (404, 404)
    assert unknown.json == foreign.json


def test_ids_go_on_rising(client: Any) -> None:
    token = client.account()
    first = upload(client, token, "a", "1.jpg", "2.jpg").json
    second = upload(client, token, "b", "3.jpg").json
    assert second["job_id"] > first["job_id"]
    ids = [record.image_id for folder in (1, 2) for record in ImageStore().list_folder(folder)]
    assert ids == sorted(set(ids))


def test_an_upload_races_with_a_deletion(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = client.account()
    upload(client, token, "summer", "a.jpg")
    reads = iter([1])
    find = OwnedFolderStore.find

    def find_then_lose(self: OwnedFolderStore, owner_id: int, folder_name: str) -> int | None:
        found = find(self, owner_id, folder_name)
        if next(reads, None):
            self.hide(self.get_many([1])[1])
        return found

    monkeypatch.setattr(OwnedFolderStore, "find", find_then_lose)
    body = {"folderName": "summer", "files": [{"name": "b.jpg", "size": 5}]}
    answer = client.json("POST", "/api/uploads", body, token)
    assert answer.status == 200
    assert answer.json["folder_id"] != 1
