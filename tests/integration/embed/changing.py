"""A change of model, step by step."""

from dataclasses import replace
from typing import Any

from glimpse.generations import OtherMarkStore, Phase
from glimpse.messages import BackfillFolder, Coordinate
from glimpse.queues import WorkOutcome
from glimpse.records import OtherImageStore, SpaceStore

from functions.embed.services.model_change.coordinator import Coordinator, Tally, tally
from functions.embed.services.model_change.folder_backfill import FolderBackfill
from functions.embed.services.model_change.others_backfill import OthersBackfill
from functions.embed.services.model_change.space_retirement import Retirer
from functions.embed.services.upload.events import UploadOutcome
from tests.integration.embed.staging import Hook, event, ignore, process, wiring
from tests.integration.embed.world import (
    FOLDER,
    OTHER_SPACE,
    USER,
    World,
)

NOW = 1_000_000
FILL = BackfillFolder(owner_id=USER, folder_id=FOLDER, space_id=OTHER_SPACE)
LOOK = Coordinate(space_id=OTHER_SPACE)
HOW: dict[str, Any] = {"receive_count": 1, "remaining_seconds": lambda: 300.0}


def coordinator(world: World, now: int = NOW) -> Coordinator:
    return replace(wiring(world).coordinator(), clock=lambda: now)


def tally_now(world: World) -> Tally:
    now = world.generations.current()
    assert now.other is not None
    return tally(SpaceStore(), OtherImageStore(), OtherMarkStore(), now, now.other)


def backfill(world: World, hook: Hook = ignore) -> FolderBackfill:
    return replace(wiring(world, hook).folder_backfill(), clock=lambda: NOW)


def others_backfill(world: World) -> OthersBackfill:
    return wiring(world).others_backfill()


def begin(world: World) -> None:
    """Begin a change, and give every folder the new space."""
    world.generations.start(world.generation(OTHER_SPACE))
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.CONTINUED


def index(world: World, *names: str, **where: int) -> list[Any]:
    records = world.upload(*names, **where)
    assert set(process(world, *map(event, records))) == {UploadOutcome.INDEXED}
    return records


def change(world: World) -> None:
    begin(world)
    backfill(world).run(FILL, **HOW)
    assert coordinator(world).run(LOOK, **HOW) is WorkOutcome.DONE
    assert world.generations.current().phase is Phase.FLIPPED


def retirer(world: World, hook: Hook = ignore) -> Retirer:
    return wiring(world, hook).retirer()
