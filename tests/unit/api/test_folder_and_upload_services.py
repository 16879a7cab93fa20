"""Folders, uploads and jobs on storage in memory."""

import io
from datetime import timedelta
from typing import Any

import pytest
from glimpse.keys import UploadKey
from glimpse.records import FolderRecord, FolderStatus, ImageStatus, JobStatus
from hypothesis import given
from hypothesis import strategies as st

from functions.api.services.errors import (
    NoAccess,
    NotFound,
    NothingUsable,
    TooLarge,
    Unavailable,
    Unusable,
)
from functions.api.services.folders import FolderRole
from functions.api.services.formats import may_be_image, objection, stored_type
from functions.api.services.names import clean_folder_name
from functions.api.services.uploads import MAX_FILE_BYTES, NOT_STORED, FileOffer, UploadDestination

SUMMER = UploadDestination(folder_name="summer")


def jpeg(name: str = "a.jpg", size: int = 5) -> FileOffer:
    return FileOffer(name, size, "image/jpeg")


def test_a_lost_race_for_a_name_ends_in_the_winners_folder(world: Any) -> None:
    user = world.user()
    world.folder_store.rivals.append(FolderRecord(77, user.user_id, "summer", world.clock.now))
    assert world.folders.open_by_name(user, "summer") == 77
    assert [folder.record.folder_id for folder in world.folders.visible(user)] == [77]


def test_a_name_that_never_settles_is_given_up(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    user = world.user()
    monkeypatch.setattr(world.folder_store, "create", lambda _: False)
    with pytest.raises(Unavailable):
        world.folders.open_by_name(user, "summer")


def test_what_one_sees_is_ones_own_and_active(world: Any) -> None:
    ada, grace = world.user(), world.user("grace")
    kept = world.folders.open_by_name(ada, "kept")
    world.folders.erase(ada, [world.folders.open_by_name(ada, "erased")])
    world.folders.open_by_name(grace, "hers")
    (folder,) = world.folders.visible(ada)
    assert (folder.record.folder_id, folder.owner_username) == (kept, "ada")
    assert folder.permission is FolderRole.OWNER


def test_erasing_is_all_or_nothing_and_can_be_repeated(world: Any) -> None:
    ada, grace = world.user(), world.user("grace")
    one, two = (world.folders.open_by_name(ada, name) for name in ("one", "two"))
    hers = world.folders.open_by_name(grace, "hers")
    for ids in ([one, hers], [one, 999], [hers]):
        with pytest.raises(NoAccess):
            world.folders.erase(ada, ids)
    assert world.maintenance.sent == []
    assert world.folders.erase(ada, [one, two, one]) == 2
    assert world.folders.erase(ada, [one]) == 1
    assert sorted(world.maintenance.sent) == [(ada.user_id, one), (ada.user_id, two)]


@given(st.text(alphabet=st.characters(), max_size=300))
def test_a_folder_name_fits_a_key_or_is_refused(text: str) -> None:
    try:
        name = clean_folder_name(text)
    except Unusable:
        return
    assert name
    assert len(name.encode()) <= 1024
    assert clean_folder_name(name) == name


def test_records_and_job_come_before_objects(world: Any) -> None:
    user = world.user()
    upload = world.uploads.begin(user, SUMMER, [jpeg("x/cat.jpg"), jpeg("dog.jpg")])
    assert world.objects.by_key == {}
    assert len(world.images.by_key) == 2
    stored = world.uploads.store(upload, [io.BytesIO(b"cat"), io.BytesIO(b"dog")])
    assert [image.status for image in stored.images] == [ImageStatus.PENDING] * 2
    assert sorted(world.objects.by_key.values()) == [b"cat", b"dog"]
    for image in stored.images:
        key = UploadKey.parse(image.key)
        assert (key.user_id, key.folder_id, key.image_id) == (user.user_id, upload.folder_id, image.image_id)


@pytest.mark.parametrize("is_direct", [False, True])
def test_a_job_says_until_when_its_objects_may_come(world: Any, is_direct: bool) -> None:
    upload = world.uploads.begin(world.user(), SUMMER, [jpeg("cat.jpg")], is_direct=is_direct)
    job = world.job_store.get(upload.job_id)
    longer_than = timedelta(minutes=30) if is_direct else timedelta(seconds=30)  # a form's, a request's
    assert longer_than < job.awaited_until - job.created_at < 3 * longer_than


def test_an_object_that_is_not_taken_fails_alone(world: Any) -> None:
    upload = world.uploads.begin(world.user(), SUMMER, [jpeg("cat.jpg"), jpeg("dog.jpg")])
    world.objects.refused.add(b"cat")
    stored = world.uploads.store(upload, [io.BytesIO(b"cat"), io.BytesIO(b"dog")])
    assert [(image.name, image.reason) for image in stored.failed] == [("cat.jpg", NOT_STORED)]
    assert world.images.by_key[upload.folder_id, upload.images[0].image_id].status is ImageStatus.FAILED


def test_a_folder_erased_meanwhile_is_made_anew_by_name(world: Any) -> None:
    user = world.user()
    first = world.folders.open_by_name(user, "summer")
    world.images.gone_times = 1
    upload = world.uploads.begin(user, SUMMER, [jpeg()])
    assert upload.folder_id != first
    assert world.folder_store.by_id[upload.folder_id].status is FolderStatus.ACTIVE


def test_a_folder_erased_meanwhile_is_no_longer_there_by_id(world: Any) -> None:
    user = world.user()
    folder_id = world.folders.open_by_name(user, "summer")
    world.images.gone_times = 1
    with pytest.raises(NoAccess):
        world.uploads.begin(user, UploadDestination(folder_id=folder_id), [jpeg()])


def test_a_folder_that_keeps_vanishing_is_given_up(world: Any) -> None:
    world.images.gone_times = 99
    with pytest.raises(Unavailable):
        world.uploads.begin(world.user(), SUMMER, [jpeg()])


@pytest.mark.parametrize(
    ("offers", "error"),
    [
        ([], NothingUsable),
        ([FileOffer("a.txt", 5, "text/plain")], NothingUsable),
        ([jpeg(size=MAX_FILE_BYTES + 1)], TooLarge),
        ([jpeg()] * 501, TooLarge),
    ],
)
def test_an_upload_that_comes_to_nothing_leaves_nothing(
    world: Any, offers: list[FileOffer], error: type[Exception]
) -> None:
    with pytest.raises(error):
        world.uploads.begin(world.user(), SUMMER, offers)
    assert world.folder_store.by_id == {}
    assert world.job_store.by_id == {}


files = st.builds(
    FileOffer,
    st.sampled_from(["a.jpg", "dir/b.PNG", "c.txt", "..", "d", "e.heic"]),
    st.sampled_from([0, 1, 5000, MAX_FILE_BYTES, MAX_FILE_BYTES + 1]),
    st.sampled_from(["", "image/jpeg", "image/heic", "text/plain", "IMAGE/PNG; q=1"]),
)


@given(st.lists(files, max_size=12))
def test_every_file_is_an_image_of_the_job_pending_or_failed_for_a_reason(
    make_world: Any, offers: list[FileOffer]
) -> None:
    world = make_world()
    user = world.user()
    try:
        upload = world.uploads.begin(user, SUMMER, offers)
    except (NothingUsable, TooLarge):
        return
    job = world.job_store.by_id[upload.job_id]
    assert job.total_images == len(offers) == len(upload.images) == len(world.images.by_key)
    assert job.processed_images == len(job.failures) == len(upload.failed)
    assert all(image.reason for image in upload.failed)
    assert {failure.image_id for failure in job.failures} == {image.image_id for image in upload.failed}
    for image in upload.pending:
        assert 0 < image.size <= MAX_FILE_BYTES
    if not upload.pending:
        assert job.status is JobStatus.FAILED


def test_a_job_is_seen_by_who_started_it(world: Any) -> None:
    ada, grace = world.user(), world.user("grace")
    job_id = world.uploads.begin(ada, SUMMER, [jpeg()]).job_id
    assert world.jobs.progress(ada, job_id).percentage == 0
    for user, asked in ((grace, job_id), (ada, job_id + 1), (ada, -1), (ada, 10**30)):
        with pytest.raises(NotFound):
            world.jobs.progress(user, asked)


def test_a_message_names_the_first_failures_and_counts_the_rest(world: Any) -> None:
    user = world.user()
    offers = [jpeg("good.jpg"), *(FileOffer(f"{n}.txt", 1, "text/plain") for n in range(30))]
    progress = world.jobs.progress(user, world.uploads.begin(user, SUMMER, offers).job_id)
    message = progress.error_message or ""
    assert message.startswith("30 of 31 images")
    assert "19.txt" in message
    assert "20.txt" not in message
    assert message.endswith("and 10 more")


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("a.jpg", "", "image/jpeg"),
        ("a.jpg", "text/html", "image/jpeg"),
        ("a.PNG", "application/octet-stream", "image/png"),
        ("a", "image/webp", "image/webp"),
        ("a.jpg", "image/png", "image/png"),
        ("a.heic", "image/heic", "image/heic"),
        ("a.svg", "image/svg+xml", "application/octet-stream"),
        ("a", "image/x; <script>", "application/octet-stream"),
    ],
)
def test_an_object_never_gets_a_type_that_a_browser_runs(name: str, declared: str, expected: str) -> None:
    assert may_be_image(name, declared)
    assert stored_type(name, declared) == expected


@pytest.mark.parametrize(
    ("name", "declared"),
    [("a.txt", "text/plain"), ("a.pdf", ""), ("a.jpg.exe", ""), ("a.mp4", "application/octet-stream")],
)
def test_name_and_type_tell_what_is_no_image(name: str, declared: str) -> None:
    assert not may_be_image(name, declared)


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("jpg", ""),
        ("IMG_0001", "text/plain"),
        ("a.pic", "application/octet-stream"),
        ("a.ORF", "?"),
        ("a.dng", ""),
    ],
)
def test_what_name_and_type_leave_open_is_judged_by_its_bytes_later(name: str, declared: str) -> None:
    assert may_be_image(name, declared)
    assert not may_be_image(name, declared, b"Dear diary, this is a text.") or name == "a.dng"


@pytest.mark.parametrize(
    ("name", "declared", "head", "stored"),
    [
        ("notes.txt", "text/plain", b"\xff\xd8\xff\xe0 as good as a picture", "image/jpeg"),
        ("a.jpg", "image/jpeg", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "image/heic"),
        ("a", "", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"\0\0\0\x08acTL", "image/apng"),
        ("a.webp", "image/webp", b"BM" + bytes(12) + b"\x28\0\0\0", "image/bmp"),
        ("a.tif", "text/html", b"<html>", "image/tiff"),
    ],
)
def test_bytes_decide_where_they_are_at_hand(name: str, declared: str, head: bytes, stored: str) -> None:
    assert may_be_image(name, declared, head)
    assert stored_type(name, declared, head) == stored


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"%PDF-1.7", "a PDF document"), (b"<svg xmlns='x'/>", "an SVG drawing"), (b"\x1aE\xdf\xa3", "a video")],
)
def test_what_is_no_image_is_named(head: bytes, kind: str) -> None:
    assert f"This is {kind}" in (objection("x.bin", "", head) or "")
