"""Folders that people deleted go for good."""

from datetime import UTC, datetime
from typing import Any

import pytest
from glimpse.index import IndexWriter
from glimpse.messages import EraseFolder
from glimpse.queues import WorkOutcome
from glimpse.records import FolderStillActive, Permission, ShareRecord, ShareStore

from tests.integration.embed.conftest import Handler, again, batch, stored
from tests.integration.embed.staging import eraser
from tests.integration.embed.world import FOLDER, SPACE, USER, World

REQUEST: dict[str, Any] = {"kind": "erase-folder", "owner_id": USER, "folder_id": FOLDER}
NO_HURRY = 300.0


def erase(
    world: World, receive_count: int = 1, owner_id: int = USER, seconds: float = NO_HURRY
) -> WorkOutcome:
    request = EraseFolder.of(owner_id, FOLDER)
    return eraser(world).erase(request, receive_count=receive_count, remaining_seconds=lambda: seconds)


def test_nothing_is_left_but_other_folders(world: World, handler: Handler) -> None:
    world.make_folder(4)
    here = world.upload("rocket.jpg", "coffee.png")
    (there,) = world.upload("page.png", folder_id=4, first_id=20, job_id=8)
    handler(batch(*(stored(record) for record in [*here, there])))
    world.hide_folder()
    assert again(handler(batch(REQUEST))) == []
    assert world.folders.get(FOLDER) is None
    assert list(world.images.list_folder(FOLDER)) == []
    assert sorted(world.keys()) == sorted([there.key, world.thumbnail_of(there)])
    assert (world.indexed_ids(), world.indexed_ids(4)) == ([], [there.image_id])
    assert again(handler(batch(REQUEST))) == []  # the message comes twice
    late = handler(batch(stored(here[0], "0C")))  # and an event comes late
    assert again(late) == []
    assert world.indexed_ids() == []


def test_with_a_folder_go_its_shares(world: World) -> None:
    shares = ShareStore()
    for share_id, folder_id in enumerate((FOLDER, 4), start=1):
        shares.create(ShareRecord(folder_id, 9, share_id, Permission.VIEW, datetime(2024, 5, 1, tzinfo=UTC)))
    world.hide_folder()
    assert erase(world) is WorkOutcome.DONE
    assert (shares.of_folder(FOLDER), len(shares.of_folder(4))) == ([], 1)


def test_a_folder_that_is_not_hidden_yet_is_waited_for(world: World) -> None:
    (record,) = world.upload("rocket.jpg")
    for receive_count in (1, 2):
        with pytest.raises(FolderStillActive):
            erase(world, receive_count)
    assert world.keys() == [record.key]
    world.hide_folder()
    assert erase(world, 3) is WorkOutcome.DONE


def test_a_folder_that_never_gets_hidden_is_kept(world: World) -> None:
    (record,) = world.upload("rocket.jpg")
    assert erase(world, 3) is WorkOutcome.DROPPED
    assert world.keys() == [record.key]
    assert world.folders.get(FOLDER)


def test_the_message_of_an_active_folder_comes_again(world: World, handler: Handler) -> None:
    assert again(handler(batch(REQUEST))) == ["m0"]


def test_a_request_in_anothers_name_is_dropped(world: World) -> None:
    (record,) = world.upload("rocket.jpg")
    world.hide_folder()
    assert erase(world, owner_id=USER + 1) is WorkOutcome.DROPPED
    assert world.keys() == [record.key]


def test_what_there_is_no_time_for_is_handed_over(world: World, handler: Handler) -> None:
    records = world.upload("rocket.jpg", "coffee.png")
    handler(batch(*(stored(record) for record in records)))
    world.hide_folder()
    rounds = 0
    while erase(world, seconds=1) is WorkOutcome.CONTINUED:
        rounds += 1
        assert world.requests() == [REQUEST]
        assert world.folders.get(FOLDER)
    assert rounds == 3  # a page of files, one of renditions, one of records
    assert world.folders.get(FOLDER) is None
    assert world.keys() == []


def test_indexes_of_other_embedding_spaces_go_too(world: World, handler: Handler) -> None:
    (record,) = world.upload("rocket.jpg")
    handler(batch(stored(record)))
    index = world.index()
    copy = world.index(space="older-model")
    IndexWriter(world.store).create(copy)
    attempt = IndexWriter(world.store).begin(copy)
    elsewhere = IndexWriter(world.store).begin(world.index(folder_id=4, space="older-model"))
    elsewhere.commit(removed=[1])
    world.hide_folder()
    assert erase(world) is WorkOutcome.DONE
    for key in (index, copy):
        assert IndexWriter(world.store).begin(key).epoch == 1, key
    assert attempt.epoch == 0
    assert IndexWriter(world.store).begin(world.index(folder_id=4, space="older-model")).epoch == 0
    assert world.store.get(world.index(folder_id=4, space=SPACE).manifest) is None
