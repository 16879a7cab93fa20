"""A change of model against storage, with everything else happening at the worst moments."""

from typing import Any

import pytest
from glimpse.generations import Phase
from glimpse.queues import WorkOutcome
from glimpse.records.models import FolderModel

from functions.embed.services.embedding import preparing
from functions.embed.services.model_change.coordinator import STALLED_SECONDS, Tally
from functions.embed.services.upload.events import UploadOutcome
from tests.integration.embed.changing import (
    FILL,
    HOW,
    LOOK,
    NOW,
    backfill,
    begin,
    change,
    coordinator,
    index,
    tally_now,
)
from tests.integration.embed.staging import during, erase, event, process
from tests.integration.embed.world import (
    FOLDER,
    OTHER_SPACE,
    SPACE,
    World,
    photo,
)


def test_everything_is_embedded_anew_and_only_then_it_flips(world: World) -> None:
    index(world, "chelsea.png", "rocket.jpg")
    world.make_folder(4)
    begin(world)
    requests = [request for request in world.requests() if request["kind"] == "backfill-folder"]
    assert sorted(request["folder_id"] for request in requests) == [FOLDER, 4]
    backfill(world).run(FILL.model_copy(update={"folder_id": 4}), **HOW)
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.CONTINUED
    assert tally_now(world) == Tally(1, 2, 0, 2)
    assert world.generations.current().active.space_id == SPACE
    assert backfill(world).run(FILL, **HOW) is WorkOutcome.DONE
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.DONE
    now = world.generations.current()
    assert (now.active.space_id, now.phase) == (OTHER_SPACE, Phase.FLIPPED)
    assert world.indexed_ids(space=OTHER_SPACE) == world.indexed_ids() == [10, 11]
    best, _ = world.search(photo("rocket.jpg"), space=OTHER_SPACE)
    assert best == (11, pytest.approx(1, abs=1e-3))
    assert world.version(space=OTHER_SPACE) == world.writer.create(world.index(space=OTHER_SPACE)).version


def test_a_repeated_look_changes_nothing(world: World) -> None:
    begin(world)
    world.requests()
    seen = world.folder()
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.CONTINUED
    assert world.folder() == seen
    assert "backfill-folder" not in {request["kind"] for request in world.requests()}
    backfill(world).run(FILL, **HOW)
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.DONE
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.DROPPED


def test_a_look_at_more_folders_than_there_is_time_for_goes_on_in_the_next_one(world: World) -> None:
    world.make_folder(4)
    world.generations.start(world.generation(OTHER_SPACE))
    times = iter([300.0, 10.0])
    short = {"receive_count": 1, "remaining_seconds": lambda: next(times)}
    assert coordinator(world).run(LOOK, **short) is WorkOutcome.CONTINUED
    assert sorted(request["kind"] for request in world.requests()) == ["backfill-folder"]
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.CONTINUED
    assert {OTHER_SPACE in world.folder(folder_id).index_versions for folder_id in (FOLDER, 4)} == {True}


def test_a_backfill_that_stalled_is_sent_again(world: World) -> None:
    begin(world)
    world.requests()
    coordinator(world, NOW + STALLED_SECONDS + 1).run(LOOK, **HOW)
    assert FILL.model_dump() in world.requests()


@pytest.mark.parametrize("step", ["after get", "before embed_pixels", "before mark_indexed"])
def test_a_worker_that_began_before_the_change_brings_its_image_into_both(world: World, step: str) -> None:
    (record,) = world.upload("chelsea.png")
    assert process(world, event(record), hook=during(step, lambda: begin(world))) == [UploadOutcome.INDEXED]
    backfill(world).run(FILL, **HOW)
    assert world.indexed_ids() == world.indexed_ids(space=OTHER_SPACE) == [10]


def test_a_worker_that_ended_just_before_the_change_is_covered_by_the_backfill(world: World) -> None:
    (record,) = world.upload("chelsea.png")
    process(world, event(record), hook=during("after mark_indexed", lambda: begin(world)))
    assert world.indexed_ids(space=OTHER_SPACE) == []
    backfill(world).run(FILL, **HOW)
    assert world.indexed_ids(space=OTHER_SPACE) == [10]


def test_a_worker_killed_between_commit_and_mark_is_repeated_into_both(world: World) -> None:
    (record,) = world.upload("chelsea.png")

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process(world, event(record), hook=during("before mark_indexed", die))
    begin(world)
    assert backfill(world).run(FILL, **HOW) is WorkOutcome.DONE
    assert process(world, event(record, redelivered=True)) == [UploadOutcome.INDEXED]
    assert world.indexed_ids() == world.indexed_ids(space=OTHER_SPACE) == [10]


def test_an_image_indexed_into_both_is_not_embedded_again(world: World) -> None:
    index(world, "chelsea.png")
    begin(world)
    index(world, "rocket.jpg", first_id=20, job_id=8)
    backfill(world).run(FILL, **HOW)
    assert world.folder().backfills[OTHER_SPACE].done == 1
    assert world.indexed_ids(space=OTHER_SPACE) == [10, 20]


@pytest.mark.parametrize("step", ["before read", "before embed_pixels", "after raise_index_version"])
def test_an_image_replaced_during_its_backfill_has_its_new_picture_in_both(world: World, step: str) -> None:
    (record,) = index(world, "chelsea.png")
    begin(world)

    def replace_it() -> None:
        world.put(record.key, photo("rocket.jpg"))
        assert process(world, event(record, "0B")) == [UploadOutcome.INDEXED]

    assert backfill(world, during(step, replace_it)).run(FILL, **HOW) is WorkOutcome.DONE
    for space in (SPACE, OTHER_SPACE):
        assert world.search(photo("rocket.jpg"), space=space) == [(10, pytest.approx(1, abs=1e-3))]


@pytest.mark.parametrize("step", ["before read", "before embed_pixels", "after raise_index_version"])
def test_an_image_deleted_during_its_backfill_is_in_neither(world: World, step: str) -> None:
    index(world, "chelsea.png", "rocket.jpg")
    begin(world)
    gone = during(step, lambda: world.images.delete(FOLDER, [10]))
    backfill(world, gone).run(FILL, **HOW)
    assert world.indexed_ids(space=OTHER_SPACE) == [11]


@pytest.mark.parametrize("step", ["before claim", "before embed_pixels", "after embed_pixels"])
def test_a_folder_erased_during_its_backfill_stays_erased(world: World, step: str) -> None:
    index(world, "chelsea.png")
    begin(world)
    assert backfill(world, during(step, lambda: erase(world))).run(FILL, **HOW) is WorkOutcome.DROPPED
    assert world.folders.get(FOLDER) is None
    assert world.indexed_ids(space=OTHER_SPACE) == []
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.DONE, "it does not wait for an erased folder"


def test_a_backfill_killed_after_its_commit_goes_on_without_doubles(world: World) -> None:
    (record,) = index(world, "chelsea.png")
    begin(world)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(world, during("after raise_index_version", die)).run(FILL, **HOW)
    world.put(record.key, photo("rocket.jpg"))
    assert process(world, event(record, "0B")) == [UploadOutcome.INDEXED]
    assert backfill(world).run(FILL, **HOW) is WorkOutcome.DONE
    assert world.search(photo("rocket.jpg"), space=OTHER_SPACE) == [(10, pytest.approx(1, abs=1e-3))]


def test_a_backfill_hands_over_when_its_time_is_over(world: World) -> None:
    index(world, "chelsea.png")
    begin(world)
    world.requests()
    late = {"receive_count": 1, "remaining_seconds": lambda: 10.0}
    assert backfill(world).run(FILL, **late) is WorkOutcome.CONTINUED
    assert world.requests() == [FILL.model_dump()]


def test_of_two_backfills_of_a_folder_the_slower_one_stops(world: World) -> None:
    index(world, "chelsea.png")
    begin(world)
    other = during("before claim", lambda: backfill(world).run(FILL, **HOW))
    assert backfill(world, other).run(FILL, **HOW) is WorkOutcome.DROPPED
    assert world.indexed_ids(space=OTHER_SPACE) == [10]
    assert world.folder().backfills[OTHER_SPACE].done == 1


def test_an_image_whose_file_is_gone_is_reported_and_blocks_nothing(world: World) -> None:
    records = index(world, "chelsea.png", "rocket.jpg")
    world.s3.delete_object(Bucket="images", Key=records[0].key)
    change(world)
    assert world.folder().backfills[OTHER_SPACE].left_out == 1
    assert world.indexed_ids(space=OTHER_SPACE) == [11]


def test_an_image_that_the_new_model_chokes_on_is_left_out_and_blocks_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = index(world, "chelsea.png", "rocket.jpg")
    begin(world)
    decode = preparing.open_photo
    poison = world.s3.get_object(Bucket="images", Key=records[0].key)["Body"].read()

    def choke(data: bytes, **how: Any) -> Any:
        if data == poison:
            raise RuntimeError("no such filter")
        return decode(data, **how)

    monkeypatch.setattr(preparing, "open_photo", choke)
    backfill(world).run(FILL, **HOW)
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.DONE
    assert world.folder().backfills[OTHER_SPACE].left_out == 1
    assert world.indexed_ids(space=OTHER_SPACE) == [11]


def test_after_the_flip_both_are_written_and_deletions_reach_both(world: World) -> None:
    index(world, "chelsea.png")
    change(world)
    index(world, "rocket.jpg", first_id=20, job_id=8)
    assert world.indexed_ids() == world.indexed_ids(space=OTHER_SPACE) == [10, 20]
    assert world.generations.rollback().active.space_id == SPACE
    index(world, "grass.png", first_id=30, job_id=9)
    assert world.indexed_ids() == world.indexed_ids(space=OTHER_SPACE) == [10, 20, 30]
    erase(world)
    assert world.indexed_ids() == world.indexed_ids(space=OTHER_SPACE) == []


def test_a_folder_of_an_earlier_version_is_taken_along(world: World) -> None:
    index(world, "chelsea.png")
    FolderModel(FOLDER).update(
        [
            FolderModel.index_versions.remove(),
            FolderModel.backfills.remove(),
            FolderModel.spaces_revision.remove(),
        ]
    )
    begin(world)
    assert dict(world.folder().index_versions) == {SPACE: 0}
    coordinator(world).run(LOOK, **HOW)
    backfill(world).run(FILL, **HOW)
    assert world.indexed_ids(space=OTHER_SPACE) == [10]
