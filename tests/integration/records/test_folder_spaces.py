"""To which embedding spaces a folder's images go, and what that means for their records."""

from dataclasses import replace

import pytest
from glimpse.records import Backfill, FolderStatus, SpacesChanged, SpaceStore
from glimpse.records.models import FolderModel

from tests.integration.records.test_record_stores import (
    FOLDER,
    NOW,
    OWNER,
    folders,
    image,
    images,
    make_folder,
    start,
)

pytestmark = pytest.mark.usefixtures("tables")

NEW = "new.space-2"
spaces = SpaceStore()


def folder():  # noqa: ANN201
    found = folders.get(FOLDER)
    assert found
    return found


def mark(record, revision: int | None):  # noqa: ANN001, ANN201
    return images.mark_indexed(
        record,
        thumbnail_key="thumbnails/1/3/1.webp",
        width=1,
        height=1,
        taken_at=0,
        sequencer="01",
        spaces_revision=revision,
    )


def test_a_folder_gets_a_space_once_and_loses_it_once() -> None:
    make_folder()
    seen = folder()
    assert spaces.add(seen, NEW, at=100)
    assert not spaces.add(seen, NEW, at=100)
    now = folder()
    assert (now.index_versions[NEW], now.spaces_revision) == (0, 2)
    assert now.backfills == {NEW: Backfill(since=2, touched_at=100)}
    assert not now.is_complete_in(NEW)
    assert spaces.remove(FOLDER, NEW)
    assert not spaces.remove(FOLDER, NEW)
    assert (NEW in folder().index_versions, folder().backfills, folder().spaces_revision) == (False, {}, 3)


def test_a_hidden_folder_gets_no_space() -> None:
    make_folder(FolderStatus.ERASING)
    assert not spaces.add(folder(), NEW, at=1)


def test_a_folder_of_an_earlier_version_is_adopted_once() -> None:
    FolderModel(FOLDER, owner_id=OWNER, folder_name="old", status="ACTIVE", created_at=NOW).save()
    FolderModel(FOLDER).update(
        [
            FolderModel.index_versions.remove(),
            FolderModel.backfills.remove(),
            FolderModel.spaces_revision.remove(),
        ]
    )
    assert folder().spaces_revision == 0
    spaces.adopt(FOLDER, "space.a")
    spaces.adopt(FOLDER, "space.b")
    assert (dict(folder().index_versions), folder().spaces_revision) == ({"space.a": 0}, 1)
    assert spaces.add(folder(), NEW, at=1)


def test_of_two_runs_of_a_backfill_one_goes_on() -> None:
    make_folder()
    spaces.add(folder(), NEW, at=1)
    seen = folder().backfills[NEW]
    assert spaces.claim(FOLDER, NEW, seen, 10, at=2)
    assert folder().backfills[NEW] == replace(seen, claimed=10, touched_at=2)
    assert spaces.claim(FOLDER, NEW, seen, 10, at=3), "the other one has not moved on yet"
    assert spaces.advance(FOLDER, NEW, seen, replace(seen, cursor=10, claimed=10, done=9, left_out=1))
    assert not spaces.claim(FOLDER, NEW, seen, 20, at=4)
    assert not spaces.advance(FOLDER, NEW, seen, replace(seen, cursor=12))
    last = folder().backfills[NEW]
    assert spaces.advance(FOLDER, NEW, last, replace(last, is_complete=True))
    assert folder().is_complete_in(NEW)


def test_a_run_of_a_change_that_was_given_up_says_nothing_about_the_next_one() -> None:
    make_folder()
    spaces.add(folder(), NEW, at=1)
    seen = folder().backfills[NEW]
    spaces.remove(FOLDER, NEW)
    spaces.add(folder(), NEW, at=2)
    assert not spaces.claim(FOLDER, NEW, seen, 10, at=3)
    assert not spaces.advance(FOLDER, NEW, seen, replace(seen, cursor=10, is_complete=True))
    assert not folder().is_complete_in(NEW)


@pytest.mark.parametrize("outcome", ["indexed", "failed"])
def test_an_outcome_needs_the_spaces_that_its_commits_went_to(outcome: str) -> None:
    (record,) = start(1)
    spaces.add(folder(), NEW, at=1)

    def write(revision: int) -> bool:
        if outcome == "indexed":
            return mark(record, revision)
        return images.mark_failed(record, "bad", sequencer="01", spaces_revision=revision)

    with pytest.raises(SpacesChanged):
        write(1)
    assert images.get(FOLDER, 1) == record
    assert write(2)
    assert images.get(FOLDER, 1).spaces_revision == 2  # type: ignore[union-attr]


def test_an_outcome_in_a_folder_that_is_being_erased_is_taken_back_whatever_its_spaces() -> None:
    (record,) = start(1)
    spaces.add(folder(), NEW, at=1)
    FolderModel(FOLDER).update([FolderModel.status.set("ERASING")])
    assert mark(record, 1) is False


def test_every_folder_is_seen_whatever_its_status() -> None:
    make_folder(FolderStatus.ERASING)
    assert [found.folder_id for found in spaces.all_folders()] == [FOLDER]


def test_records_can_be_walked_from_an_id_on() -> None:
    make_folder()
    images.put_pending([image(1), image(2), image(3)])
    assert [record.image_id for record in images.list_folder(FOLDER, after=1)] == [2, 3]
