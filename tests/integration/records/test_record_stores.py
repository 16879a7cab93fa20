"""The stores against DynamoDB's semantics."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from glimpse.records import (
    FolderGone,
    FolderStatus,
    FolderStillActive,
    FolderStore,
    ImageFailure,
    ImageRecord,
    ImageStatus,
    ImageStore,
    JobRecord,
    JobStatus,
    JobStore,
)
from glimpse.records.models import FolderModel, JobModel
from glimpse.settings import SettingsError

pytestmark = pytest.mark.usefixtures("tables")

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FOLDER, JOB, OWNER = 3, 7, 1
SPACE = "space.a-1"
images, folders, jobs = ImageStore(), FolderStore(), JobStore()


def image(image_id: int, **changes: object) -> ImageRecord:
    record = ImageRecord(
        folder_id=FOLDER,
        image_id=image_id,
        owner_id=OWNER,
        job_id=JOB,
        name=f"{image_id}.jpg",
        key=f"uploads/{OWNER}/{FOLDER}/{image_id}/{image_id}.jpg",
        content_type="image/jpeg",
        size=1234,
        created_at=NOW,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def make_folder(status: FolderStatus = FolderStatus.ACTIVE) -> None:
    FolderModel(
        FOLDER,
        owner_id=OWNER,
        folder_name="summer",
        status=status.value,
        created_at=NOW,
        index_versions={SPACE: 0, "b": 0},
        spaces_revision=1,
    ).save()


def make_job(total: int) -> None:
    jobs.create(JobRecord(JOB, OWNER, FOLDER, total, NOW, NOW + timedelta(days=30)))


def index(record: ImageRecord, sequencer: str = "01", width: int = 640) -> bool:
    return images.mark_indexed(
        record,
        thumbnail_key=f"thumbnails/1/3/{record.image_id}.webp",
        width=width,
        height=480,
        taken_at=-(2**63),
        sequencer=sequencer,
    )


def counts() -> tuple[int, int, int]:
    """Return processed images and failures of the job, and images of the folder."""
    job, folder = jobs.get(JOB), folders.get(FOLDER)
    assert job
    assert folder
    return job.processed_images, len(job.failures), folder.image_count


def start(*image_ids: int) -> list[ImageRecord]:
    make_folder()
    make_job(len(image_ids))
    records = [image(image_id) for image_id in image_ids]
    images.put_pending(records)
    return records


def test_records_read_back_as_written() -> None:
    records = start(*range(1, 206))
    failed = image(900, status=ImageStatus.FAILED, reason="It is empty.")
    images.put_pending([failed])
    assert images.get(FOLDER, 900) == failed
    assert list(images.list_folder(FOLDER)) == [*records, failed]
    assert images.get_many([(FOLDER, 1), (FOLDER, 150), (FOLDER, 5000), (9, 1)]) == {
        (FOLDER, 1): records[0],
        (FOLDER, 150): records[149],
    }
    assert images.get(FOLDER, 5000) is None
    assert images.get_many([]) == {}


def test_an_indexed_image_is_counted_once_however_often_the_event_comes() -> None:
    (record,) = start(1)
    for _ in range(3):
        assert index(record)
    assert counts() == (1, 0, 1)
    stored = images.get(FOLDER, 1)
    assert stored
    assert (stored.status, stored.width, stored.taken_at) == (ImageStatus.INDEXED, 640, -(2**63))
    assert jobs.get(JOB).status == JobStatus.COMPLETED  # type: ignore[union-attr]


def test_a_failed_image_is_named_once_with_its_reason() -> None:
    (record, _) = start(1, 2)
    for _ in range(3):
        assert images.mark_failed(record, "The file is truncated.", sequencer="01")
    job = jobs.get(JOB)
    assert job
    assert job.failures == (ImageFailure(1, "1.jpg", "The file is truncated."),)
    assert counts() == (1, 1, 0)
    assert job.status == JobStatus.PROCESSING


def test_an_older_event_does_not_undo_a_newer_one() -> None:
    (record,) = start(1)
    assert index(record, sequencer="09", width=900)
    assert images.mark_failed(record, "An old reason.", sequencer="05")
    stored = images.get(FOLDER, 1)
    assert stored
    assert (stored.status, stored.width, stored.sequencer) == (ImageStatus.INDEXED, 900, "09")
    assert counts() == (1, 0, 1)


@pytest.mark.parametrize("older", ["05", ""])
def test_an_older_event_does_not_undo_a_newer_one_that_was_read_before(older: str) -> None:
    (record,) = start(1)
    index(record, sequencer="09", width=900)
    newer = images.get(FOLDER, 1)
    assert newer
    assert images.mark_failed(newer, "An old reason.", sequencer=older)
    assert index(newer, sequencer=older, width=100)
    assert images.get(FOLDER, 1) == newer
    assert counts() == (1, 0, 1)
    images.delete(FOLDER, [1])
    assert not index(newer, sequencer=older)


def test_the_same_event_may_correct_what_was_read() -> None:  # its object was replaced meanwhile
    (record,) = start(1)
    index(record, sequencer="09", width=900)
    stored = images.get(FOLDER, 1)
    assert stored
    assert index(stored, sequencer="09", width=100)
    assert images.get(FOLDER, 1).width == 100  # type: ignore[union-attr]
    assert counts() == (1, 0, 1)


def test_replacing_an_indexed_image_counts_nothing_twice() -> None:
    (record,) = start(1)
    index(record, sequencer="01")
    replaced = images.get(FOLDER, 1)
    assert replaced
    assert index(replaced, sequencer="02", width=900)
    assert counts() == (1, 0, 1)
    assert images.get(FOLDER, 1).width == 900  # type: ignore[union-attr]


def test_a_replacement_may_fail_and_a_second_one_mend_it() -> None:
    (record,) = start(1)
    index(record, sequencer="01")
    assert images.mark_failed(record, "It is broken.", sequencer="02")  # still what was read before
    assert counts() == (1, 1, 0)
    stored = images.get(FOLDER, 1)
    assert stored
    assert (stored.status, stored.reason, stored.thumbnail_key) == (ImageStatus.FAILED, "It is broken.", None)
    assert index(record, sequencer="03")
    assert counts() == (1, 0, 1)
    assert images.get(FOLDER, 1).reason is None  # type: ignore[union-attr]


def test_an_image_that_is_gone_stays_gone() -> None:
    (record,) = start(1)
    images.delete(FOLDER, [1, 77])
    assert not index(record)
    assert not images.mark_failed(record, "It is broken.", sequencer="02")
    assert images.get(FOLDER, 1) is None
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("gone", ["erasing", "forgotten"])
def test_an_image_of_an_erased_folder_is_not_marked(gone: str) -> None:
    (record,) = start(1)
    make_folder(FolderStatus.ERASING)
    if gone == "forgotten":
        folders.forget(FOLDER)
    assert not index(record)
    assert not images.mark_failed(record, "It is broken.", sequencer="02")
    assert images.get(FOLDER, 1) == record
    assert (folders.get(FOLDER) is None) == (gone == "forgotten")


def test_an_image_outlives_its_job() -> None:
    (record,) = start(1)
    JobModel(JOB).delete()
    assert index(record)
    assert jobs.get(JOB) is None
    assert folders.get(FOLDER).image_count == 1  # type: ignore[union-attr]


def test_nothing_is_added_to_a_folder_that_is_not_active() -> None:
    with pytest.raises(FolderGone):
        images.put_pending([image(1)])
    make_folder(FolderStatus.ERASING)
    with pytest.raises(FolderGone):
        images.put_pending([image(1)])
    assert images.get(FOLDER, 1) is None


def test_a_folder_version_only_rises_and_each_space_has_its_own() -> None:
    make_folder()
    for version in (3, 2, 5, 5, 1):
        folders.raise_index_version(FOLDER, SPACE, version)
    folders.raise_index_version(FOLDER, "left.before", 9)
    assert folders.get(FOLDER).index_versions == {SPACE: 5, "b": 0}  # type: ignore[union-attr]
    folders.raise_index_version(99, SPACE, 4)
    assert folders.get(99) is None
    folders.raise_index_version(FOLDER, SPACE, 8, owner_id=OWNER + 1)
    assert folders.get(FOLDER).index_versions[SPACE] == 5  # type: ignore[union-attr]
    folders.raise_index_version(FOLDER, SPACE, 8, owner_id=OWNER)
    assert folders.get(FOLDER).index_versions[SPACE] == 8  # type: ignore[union-attr]


def test_only_a_hidden_folder_is_forgotten() -> None:
    make_folder()
    with pytest.raises(FolderStillActive):
        folders.forget(FOLDER)
    make_folder(FolderStatus.ERASING)
    folders.forget(FOLDER)
    folders.forget(FOLDER)
    assert folders.get(FOLDER) is None
    assert folders.get_many([FOLDER]) == {}


@pytest.mark.parametrize(("kind", "change"), [("UpdateItem", "raise"), ("DeleteItem", "forget")])
def test_a_folder_that_a_transaction_holds_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, kind: str, change: str
) -> None:
    make_folder(FolderStatus.ERASING)
    call = BaseClient._make_api_call  # type: ignore[attr-defined]
    held = ["once", "twice"]

    def hold(client: BaseClient, operation: str, parameters: object) -> object:
        if operation == kind and held:
            held.pop()
            error = {"Error": {"Code": "TransactionConflictException", "Message": "held"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", hold)
    if change == "raise":
        folders.raise_index_version(FOLDER, SPACE, 4)
        assert folders.get(FOLDER).index_versions[SPACE] == 4  # type: ignore[union-attr]
    else:
        folders.forget(FOLDER)
        assert folders.get(FOLDER) is None
    assert not held


def test_a_long_reason_is_cut() -> None:
    (record,) = start(1)
    images.mark_failed(record, "x" * 5000, sequencer="01")
    assert len(images.get(FOLDER, 1).reason) == 300  # type: ignore[union-attr, arg-type]


def test_a_missing_table_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLIMPSE_IMAGES_TABLE")
    with pytest.raises(SettingsError, match="GLIMPSE_IMAGES_TABLE"):
        images.get(1, 1)
