"""How a change of model ends, what operators ask, and images of other backends."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from glimpse.encoder import Bundle
from glimpse.generations import OtherMark, OtherMarkStore
from glimpse.index import image_ids
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import (
    BackfillOthers,
    ChangeModels,
    EmbedImages,
    ImageFile,
    RetireSpace,
)
from glimpse.queues import WorkOutcome
from glimpse.records import OtherImageStore
from glimpse.shelf import publish

from functions.embed.services.upload.events import UploadOutcome
from tests.integration.embed.changing import (
    FILL,
    HOW,
    LOOK,
    backfill,
    begin,
    change,
    coordinator,
    index,
    others_backfill,
    retirer,
    tally_now,
)
from tests.integration.embed.conftest import Handler, batch
from tests.integration.embed.staging import Hook, Spied, during, event, ignore, process, wiring
from tests.integration.embed.world import (
    OTHER_SPACE,
    SPACE,
    World,
    photo,
)
from tests.unit.encoder.tiny_bundle import write_bundle


def test_what_was_finalized_is_removed(world: World) -> None:
    publish(world.bundles[SPACE], "index")
    index(world, "chelsea.png")
    change(world)
    world.generations.finalize()
    assert retirer(world).run(RetireSpace(space_id=SPACE), **HOW) is WorkOutcome.DONE
    assert world.folder().index_versions.keys() == {OTHER_SPACE}
    assert image_ids(world.store, world.index()) == set()
    assert world.s3.list_objects_v2(Bucket="index", Prefix="models/")["KeyCount"] == 0
    assert world.generations.current().retired is None
    index(world, "rocket.jpg", first_id=20, job_id=8)
    assert world.indexed_ids(space=OTHER_SPACE) == [10, 20]
    assert image_ids(world.store, world.index()) == set()
    assert retirer(world).run(RetireSpace(space_id=SPACE), **HOW) is WorkOutcome.DROPPED


@pytest.mark.parametrize("step", ["after get", "before embed_pixels", "before mark_indexed"])
def test_a_worker_under_way_leaves_nothing_in_a_retired_index(world: World, step: str) -> None:
    index(world, "chelsea.png")
    change(world)
    (record,) = world.upload("rocket.jpg", first_id=20, job_id=8)

    def retire() -> None:
        world.generations.finalize()
        assert retirer(world).run(RetireSpace(space_id=SPACE), **HOW) is WorkOutcome.DONE

    assert process(world, event(record), hook=during(step, retire)) == [UploadOutcome.INDEXED]
    assert world.indexed_ids(space=OTHER_SPACE) == [10, 20]
    assert image_ids(world.store, world.index()) == set()


def test_a_change_can_be_given_up_and_begun_again(world: World) -> None:
    index(world, "chelsea.png")
    begin(world)
    given_up = during("before embed_pixels", lambda: (world.generations.rollback(), retire(world)))

    def retire(world: World) -> None:
        assert retirer(world).run(RetireSpace(space_id=OTHER_SPACE), **HOW) is WorkOutcome.DONE

    assert backfill(world, given_up).run(FILL, **HOW) is WorkOutcome.DROPPED
    assert world.indexed_ids() == [10]
    assert image_ids(world.store, world.index(space=OTHER_SPACE)) == set()
    change(world)
    assert world.indexed_ids(space=OTHER_SPACE) == [10]


# Images of other backends


def embed_others(world: World, *image_ids: int, hook: Hook = ignore) -> list[int]:
    files = [ImageFile(image_id, f"images/1/3/{image_id}.png") for image_id in image_ids]
    for image in files:
        world.put(image.file_path.replace("images/", "images/java/"), photo("chelsea.png"))
    used = wiring(world, hook)
    used = replace(used, others=Spied(used.others, hook))
    return used.image_requests().embed(EmbedImages.of("java", 1, 3, files)).indexed


def others_in(world: World, space: str) -> set[int]:
    return image_ids(world.store, world.index(3, "java", space))


def fill_others(world: World) -> None:
    for request in world.requests():
        if request["kind"] == "backfill-others":
            assert others_backfill(world).run(BackfillOthers(**request), **HOW) is WorkOutcome.DONE


def test_images_of_other_backends_are_taken_along(world: World) -> None:
    assert embed_others(world, 1, 2) == [1, 2]
    world.s3.delete_object(Bucket="images", Key="images/java/1/3/2.png")
    begin(world)
    assert embed_others(world, 5) == [5]
    backfill(world).run(FILL, **HOW)
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.CONTINUED
    fill_others(world)
    assert (others_in(world, SPACE), others_in(world, OTHER_SPACE)) == ({1, 2, 5}, {1, 5})
    assert tally_now(world).left_out == 1
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.DONE
    OtherMarkStore().put(SPACE, "java/1/3", OtherMark(True, 0, 0, 1))  # of an earlier change, to this space
    world.generations.finalize()
    assert retirer(world).run(RetireSpace(space_id=SPACE), **HOW) is WorkOutcome.DONE
    assert (others_in(world, SPACE), others_in(world, OTHER_SPACE)) == (set(), {1, 5})
    assert OtherMarkStore().get(SPACE, "java/1/3") is None


def test_files_from_before_namespaces_had_their_own_are_found_moved_or_not(world: World) -> None:
    """Their rows say ``images/…``; the one of the same name that another backend has is not taken."""
    embed_others(world, 1, 2)
    OtherImageStore().put("java/1/3", {1: "images/1/3/1.png", 2: "images/1/3/2.png"})
    world.s3.delete_object(Bucket="images", Key="images/java/1/3/1.png")
    world.put("images/1/3/1.png", photo("coffee.png"))
    world.put("images/1/3/2.png", photo("coffee.png"))
    begin(world)
    fill_others(world)
    assert others_in(world, OTHER_SPACE) == {1, 2}
    found = dict(world.search(photo("chelsea.png"), namespace="java", space=OTHER_SPACE))
    assert found[2] > 0.999 > found[1]


def test_an_index_made_anew_is_not_taken_for_the_one_of_an_earlier_change(world: World) -> None:
    embed_others(world, 1)
    begin(world)
    fill_others(world)
    OtherImageStore().forget("java/1/3")
    for space in (SPACE, OTHER_SPACE):
        world.writer.delete(world.index(3, "java", space))
    world.generations.rollback()
    assert retirer(world).run(RetireSpace(space_id=OTHER_SPACE), **HOW) is WorkOutcome.DONE
    embed_others(world, 2)
    begin(world)
    fill_others(world)
    assert others_in(world, SPACE) == others_in(world, OTHER_SPACE) == {2}


@pytest.mark.parametrize("step", ["before read", "before put", "after put"])
def test_an_embedding_of_another_backend_that_began_before_the_change_is_in_both(
    world: World, step: str
) -> None:
    assert embed_others(world, 1, hook=during(step, lambda: begin(world))) == [1]
    fill_others(world)
    assert (others_in(world, SPACE), others_in(world, OTHER_SPACE)) == ({1}, {1})


# What operators ask


@pytest.fixture
def published(world: World) -> World:
    for bundle in world.bundles.values():
        publish(bundle, "index")
    return world


def ask(handler: Handler, action: str, digest: str | None = None) -> dict[str, Any]:
    return handler(ChangeModels.model_validate({"action": action, "bundle_digest": digest}).model_dump())


def deliver(handler: Handler, world: World) -> list[str]:
    """Hand everything in the maintenance queue to the function, as often as something comes of it."""
    done: list[str] = []
    for _ in range(6):
        for request in world.requests():
            assert handler(batch(request)) == {"batchItemFailures": []}
            done.append(request["kind"])
    return done


def test_operators_change_the_model(published: World, handler: Handler, monkeypatch: Any) -> None:
    world, digest = published, published.bundles[OTHER_SPACE].digest
    no_delays(monkeypatch)
    index(world, "chelsea.png")
    begun = ask(handler, "reindex", digest)
    assert (begun["status"], begun["models"]["phase"]) == (200, "BUILDING")
    assert begun["models"]["progress"]["folders_total"] == 1
    assert ask(handler, "reindex", digest)["models"]["phase"] == "BUILDING", "to repeat it is no error"
    refused = ask(handler, "finalize")
    assert (refused["status"], refused["models"]) == (409, None)
    assert "not complete" in refused["detail"]
    deliver(handler, world)
    status = ask(handler, "status")["models"]
    assert (status["phase"], status["active"]["space_id"]) == ("FLIPPED", OTHER_SPACE)
    assert ask(handler, "rollback")["models"]["active"]["space_id"] == SPACE
    assert ask(handler, "finalize")["status"] == 409, "a search may know the pointer of a second ago"


def no_delays(monkeypatch: Any) -> None:
    send: Callable[..., None] = MaintenanceQueue.send
    monkeypatch.setattr(MaintenanceQueue, "send", lambda self, message, **_: send(self, message))


@pytest.mark.parametrize(
    ("digest", "status", "word"), [("0" * 64, 404, "publish"), ("nonsense", 422, "64 hexadecimal")]
)
def test_a_bundle_that_is_not_there(handler: Handler, digest: str, status: int, word: str) -> None:
    answer = ask(handler, "reindex", digest)
    assert (answer["status"], answer["models"]) == (status, None)
    assert word in answer["detail"]


def test_a_bundle_that_only_this_function_has_is_refused(world: World, handler: Handler) -> None:
    """The image carries it: but the search function takes its half from the bucket."""
    answer = ask(handler, "reindex", world.bundles[OTHER_SPACE].digest)
    assert (answer["status"], world.generations.current().other) == (404, None)


def test_a_bundle_that_cannot_be_loaded_is_refused(world: World, handler: Handler, tmp_path: Path) -> None:
    """Else every upload would fail from the beginning of the change on."""
    write_bundle(tmp_path / "broken", space_id="broken")
    (tmp_path / "broken/visual/model.onnx").write_bytes(b"no model at all")
    bundle = Bundle.load(tmp_path / "broken")
    publish(bundle, "index")
    answer = ask(handler, "reindex", bundle.digest)
    assert (answer["status"], world.generations.current().other) == (409, None)


def test_a_change_that_is_slow_to_begin_is_looked_at_all_the_same(published: World, monkeypatch: Any) -> None:
    world, times = published, iter([100.0, 105.0])
    no_delays(monkeypatch)
    service = replace(wiring(world).model_service(), clock=lambda: next(times))
    bundle_digest = world.bundles[OTHER_SPACE].digest
    assert service.answer(ChangeModels(action="reindex", bundle_digest=bundle_digest)).status == 200
    assert [request["kind"] for request in world.requests()] == ["coordinate-models"] * 2


def test_two_changes_at_once_are_refused(published: World, handler: Handler) -> None:
    world = published
    third = replace(world.generation(OTHER_SPACE), space_id="third", name="Third")
    world.generations.start(third)
    answer = ask(handler, "reindex", world.bundles[OTHER_SPACE].digest)
    assert answer["status"] == 409
    assert "change to the model Third" in answer["detail"]
