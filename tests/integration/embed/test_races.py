"""What happens while an image is being embedded: deletions, replacements, failing storage, crashes."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest
from glimpse.index import CommitContended
from glimpse.index.errors import PreconditionFailed
from glimpse.messages import EraseFolder
from glimpse.records import ImageStatus

from functions.embed.services.upload.events import UploadOutcome
from functions.embed.storage.objects import StorageUnavailable
from tests.integration.embed.staging import Hook, during, erase, eraser, event, ignore, process
from tests.integration.embed.world import FOLDER, SPACE, USER, World, photo


class Crash(BaseException):
    """The worker is gone; nothing catches this."""


STEPS = [
    "before read",
    "after put",
    "before embed_pixels",
    "after put_if_none_match",
    "before raise_index_version",
    "before mark_indexed",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_folder_deleted_meanwhile_stays_deleted(world: World, step: str) -> None:
    (record,) = world.upload("rocket.jpg")
    hook = during(step, lambda: erase(world))
    assert process(world, event(record), hook=hook) == [UploadOutcome.DELETED]
    assert world.folders.get(FOLDER) is None
    assert world.images.get(FOLDER, record.image_id) is None
    assert world.keys() == []
    assert world.indexed_ids() == []


@pytest.mark.parametrize("step", STEPS)
def test_a_folder_hidden_meanwhile_leaves_nothing_once_it_is_erased(world: World, step: str) -> None:
    (record,) = world.upload("rocket.jpg")
    process(world, event(record), hook=during(step, world.hide_folder))
    erase(world)
    process(world, event(record, redelivered=True))
    assert world.keys() == []
    assert world.indexed_ids() == []


@pytest.mark.parametrize("step", STEPS)
def test_an_image_deleted_meanwhile_is_taken_back(world: World, step: str) -> None:
    kept, deleted = world.upload("rocket.jpg", "coffee.png")
    hook = during(step, lambda: world.images.delete(FOLDER, [deleted.image_id]))
    outcomes = process(world, event(kept), event(deleted), hook=hook)
    assert outcomes == [UploadOutcome.INDEXED, UploadOutcome.DELETED]
    assert world.indexed_ids() == [kept.image_id]
    assert sorted(world.keys()) == sorted([kept.key, world.thumbnail_of(kept)])
    manifest_sequence = world.writer.begin(world.index()).commit().version
    assert world.version() == manifest_sequence  # a search that passes the folder's version sees the removal


@pytest.mark.parametrize("step", STEPS[:-2])
def test_an_index_deleted_meanwhile_is_begun_again(world: World, step: str) -> None:
    (record,) = world.upload("rocket.jpg")
    hook = during(step, lambda: world.writer.delete(world.index()))
    assert process(world, event(record), hook=hook) == [UploadOutcome.INDEXED]
    assert world.indexed_ids() == [record.image_id]


def test_an_index_that_is_deleted_over_and_over_is_left_for_later(world: World) -> None:
    (record,) = world.upload("rocket.jpg")

    def hook(step: str) -> None:
        if step == "after put_if_none_match":
            world.writer.delete(world.index())

    assert process(world, event(record), hook=hook) == [UploadOutcome.POSTPONED]
    assert world.image(record.image_id).status is ImageStatus.PENDING
    assert process(world, event(record, redelivered=True)) == [UploadOutcome.INDEXED]


OVERTAKEN = ["after read", "before embed_pixels", "before put_if_none_match", "before mark_indexed"]


@pytest.mark.parametrize("step", OVERTAKEN)
@pytest.mark.parametrize("newer", ["coffee.png", "truncated.jpg"])
def test_overtaken_by_a_newer_event_the_newer_picture_counts(world: World, step: str, newer: str) -> None:
    (record,) = world.upload("rocket.jpg")

    def overtake() -> None:
        world.put(record.key, photo(newer))
        process(world, event(record, "0B"))

    process(world, event(record, "0A"), hook=during(step, overtake))
    image = world.image(record.image_id)
    assert image.sequencer == "0B"
    if newer == "coffee.png":
        assert image.width == 600
        assert world.search(photo("coffee.png"))[0][1] > 0.999
        assert world.search(photo("rocket.jpg"))[0][1] < 0.99
    else:
        assert image.status is ImageStatus.FAILED
        assert world.indexed_ids() == []
    assert world.job().processed_images == 1


def test_two_workers_side_by_side_leave_the_newer_picture(world: World) -> None:
    """Both commit while the record says PENDING; the older picture is committed last and marked first."""
    (record,) = world.upload("rocket.jpg")
    before = during("before read", lambda: world.put(record.key, photo("rocket.jpg")))
    after = during("after read", lambda: world.put(record.key, photo("coffee.png")))

    def reads_the_older_picture(step: str) -> None:
        before(step)
        after(step)

    def older() -> None:
        process(world, event(record, "0A"), hook=reads_the_older_picture)

    world.put(record.key, photo("coffee.png"))
    process(world, event(record, "0B"), hook=during("before mark_indexed", older))
    assert world.image(record.image_id).sequencer == "0B"
    assert world.search(photo("coffee.png"))[0][1] > 0.999
    assert world.search(photo("rocket.jpg"))[0][1] < 0.99
    assert (world.job().processed_images, world.folder().image_count) == (1, 1)


def test_storage_that_fails_for_one_image_postpones_that_one(world: World) -> None:
    first, second = world.upload("rocket.jpg", "coffee.png")

    def refuse() -> None:
        raise StorageUnavailable("S3 did not answer")

    outcomes = process(world, event(first), event(second), hook=during("before read", refuse))
    assert outcomes == [UploadOutcome.POSTPONED, UploadOutcome.INDEXED]
    assert world.image(first.image_id).status is ImageStatus.PENDING
    assert world.indexed_ids() == [second.image_id]


def test_a_folder_that_cannot_be_finished_does_not_stop_another(world: World) -> None:
    world.make_folder(4)
    (here,) = world.upload("rocket.jpg")
    (there,) = world.upload("coffee.png", folder_id=4, first_id=20, job_id=8)

    def contend() -> None:
        raise CommitContended("others took every try")

    outcomes = process(world, event(here), event(there), hook=during("before embed_pixels", contend))
    assert outcomes == [UploadOutcome.POSTPONED, UploadOutcome.INDEXED]
    assert process(world, event(here, redelivered=True)) == [UploadOutcome.INDEXED]
    assert (world.indexed_ids(), world.indexed_ids(4)) == ([here.image_id], [there.image_id])


def test_a_commit_that_others_keep_winning_comes_again(world: World) -> None:
    (record,) = world.upload("rocket.jpg")

    def lose(step: str) -> None:
        if step == "before put_if_none_match":
            raise PreconditionFailed("another writer was faster")

    assert process(world, event(record), hook=lose) == [UploadOutcome.POSTPONED]
    assert process(world, event(record, redelivered=True)) == [UploadOutcome.INDEXED]
    assert world.job().processed_images == 1


EVERY_STEP = pytest.param(1, marks=pytest.mark.slow, id="every step")
EVERY_THIRD = pytest.param(3, id="every third step")


def crash_at(step: int) -> tuple[Hook, Callable[[], bool]]:
    """A hook that ends the worker at its n-th call, and whether it did."""
    reached: Iterator[int] = iter(range(10_000))
    crashed: list[str] = []

    def hook(name: str) -> None:
        if next(reached) == step:
            crashed.append(name)
            raise Crash(name)

    return hook, lambda: bool(crashed)


@pytest.mark.parametrize("stride", [EVERY_STEP, EVERY_THIRD])
def test_a_crash_at_any_step_is_mended_by_the_redelivery(world: World, stride: int) -> None:
    for step in count(0, stride):
        folder_id = 100 + step
        world.make_folder(folder_id)
        good, bad = world.upload("palette_color.png", "truncated.jpg", folder_id=folder_id, job_id=folder_id)
        hook, crashed = crash_at(step)
        try:
            process(world, event(good), event(bad), hook=hook)
        except Crash:
            process(world, event(good, redelivered=True), event(bad, redelivered=True))
        assert world.image(good.image_id, folder_id).status is ImageStatus.INDEXED
        assert world.image(bad.image_id, folder_id).status is ImageStatus.FAILED
        job, folder = world.job(folder_id), world.folder(folder_id)
        assert (job.processed_images, len(job.failures), folder.image_count) == (2, 1, 1)
        assert world.indexed_ids(folder_id) == [good.image_id]
        assert folder.index_versions[SPACE] == world.writer.begin(world.index(folder_id)).commit().version
        assert world.keys("thumbnails/")[-1] == world.thumbnail_of(good)
        if not crashed():
            break
    assert step > 20  # so many places to crash at were passed


@pytest.mark.parametrize("stride", [EVERY_STEP, EVERY_THIRD])
@pytest.mark.parametrize("newer", ["coffee.png", "truncated.jpg"])
def test_a_crash_leaves_no_older_picture_beside_the_newer_one(world: World, newer: str, stride: int) -> None:
    """The newer event is dealt with between the crash of the older one's worker and its redelivery."""
    for step in count(0, stride):
        folder_id = 100 + step
        world.make_folder(folder_id)
        (record,) = world.upload("rocket.jpg", folder_id=folder_id, job_id=folder_id)
        hook, crashed = crash_at(step)
        with suppress(Crash):
            process(world, event(record, "0A"), hook=hook)
        world.put(record.key, photo(newer))
        process(world, event(record, "0B"))
        process(world, event(record, "0A", redelivered=True))
        assert world.image(record.image_id, folder_id).sequencer == "0B"
        if newer == "coffee.png":
            assert world.search(photo("rocket.jpg"), folder_id=folder_id)[0][1] < 0.99
            assert world.search(photo("coffee.png"), folder_id=folder_id)[0][1] > 0.999
        else:
            assert world.indexed_ids(folder_id) == []
        assert world.job(folder_id).processed_images == 1
        if not crashed():
            break
    assert step > 10


@pytest.mark.parametrize("stride", [EVERY_STEP, EVERY_THIRD])
def test_a_crash_at_any_step_of_erasing_is_mended_by_the_redelivery(world: World, stride: int) -> None:
    for step in count(0, stride):
        folder_id = 100 + step
        world.make_folder(folder_id)
        (record,) = world.upload("palette_color.png", folder_id=folder_id, job_id=folder_id)
        process(world, event(record))
        world.hide_folder(folder_id)
        hook, crashed = crash_at(step)
        for staged in (hook, ignore):
            try:
                eraser(world, staged).erase(
                    EraseFolder.of(USER, folder_id), receive_count=1, remaining_seconds=lambda: 300
                )
            except Crash:
                continue
        assert world.folders.get(folder_id) is None
        assert list(world.images.list_folder(folder_id)) == []
        assert world.keys() == []
        assert world.indexed_ids(folder_id) == []
        if not crashed():
            break
    assert step > 10
