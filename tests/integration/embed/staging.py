"""The services on the real storage, with a hook at every use of it, where a test stages what else happens."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from glimpse.generations import CachedGenerations, OtherMarkStore
from glimpse.index import IndexWriter, RetryPolicy
from glimpse.keys import UploadKey
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import EraseFolder
from glimpse.queues import UpkeepRequests
from glimpse.records import ImageRecord, OtherImageStore, ShareStore, SpaceStore
from glimpse.shelf import Shelf

from functions.embed.services.embedding.encoders import Encoders
from functions.embed.services.erase.folder_eraser import FolderEraser
from functions.embed.services.upload.events import UploadEvent, UploadOutcome
from functions.embed.storage.bundles import BundleBucket
from functions.embed.storage.objects import ImagesBucket
from functions.embed.wiring import Wiring
from tests.integration.embed.world import FOLDER, NAMESPACE, USER, World

Hook = Callable[[str], None]


def ignore(_: object) -> None:
    """Let it pass."""


class Spied:
    """Stands before an object, and calls `hook(method)` before and after every call of a method."""

    def __init__(self, target: Any, hook: Hook) -> None:
        self._target, self._hook = target, hook

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value):
            return value

        def call(*args: Any, **options: Any) -> Any:
            self._hook(f"before {name}")
            result = value(*args, **options)
            self._hook(f"after {name}")
            return result

        return call


def wiring(world: World, hook: Hook = ignore) -> Wiring:
    """The real one; every use of storage, index and encoder passes by the hook."""
    return Wiring(
        images=Spied(world.images, hook),
        folders=Spied(world.folders, hook),
        spaces=Spied(SpaceStore(), hook),
        shares=Spied(ShareStore(), hook),
        others=Spied(OtherImageStore(), hook),
        generations=world.generations,
        marks=OtherMarkStore(),
        objects=Spied(ImagesBucket("images"), hook),
        store=Spied(world.store, hook),
        bundles=BundleBucket("index"),
        shelf=Shelf([], "index"),
        writer=IndexWriter(Spied(world.store, hook), policy=RetryPolicy(tries=2, base_seconds=0)),
        upkeep=UpkeepRequests(MaintenanceQueue(world.upkeep_url)),
        maintenance=MaintenanceQueue(world.queue_url),
        encoders=Encoders(
            CachedGenerations(world.generations),
            lambda generation: Spied(world.encoders[generation.space_id], hook),
        ),
        namespace=NAMESPACE,
        workers_at_once=1,
    )


def eraser(world: World, hook: Hook = ignore) -> FolderEraser:
    return replace(wiring(world, hook).folder_eraser(), sleep=ignore)


def erase(world: World) -> None:
    world.hide_folder()
    eraser(world).erase(EraseFolder.of(USER, FOLDER), receive_count=1, remaining_seconds=lambda: 300)


def event(record: ImageRecord, sequencer: str = "0A", *, redelivered: bool = False) -> UploadEvent:
    return UploadEvent(UploadKey.parse(record.key), sequencer, 2 if redelivered else 1)


def during(step: str, action: Callable[[], object]) -> Hook:
    """Do something once, when this step is reached."""
    pending = [action]

    def hook(reached: str) -> None:
        if reached == step and pending:
            pending.pop()()

    return hook


def process(world: World, *events: UploadEvent, hook: Hook = ignore) -> list[UploadOutcome]:
    results = wiring(world, hook).upload_indexer(max_receives=5).process(events)
    return [results[event].outcome for event in events]
