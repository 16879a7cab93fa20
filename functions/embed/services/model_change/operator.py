"""What operators ask about the deployment's models."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from glimpse.encoder import BundleError
from glimpse.generations import (
    ChangeRefused,
    Generation,
    Generations,
    GenerationStore,
    NoModelChosen,
    OtherMarkStore,
    Phase,
)
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import ChangeModels, Coordinate, ModelsAnswer, RetireSpace
from glimpse.records import OtherImageStore, SpaceStore
from glimpse.shelf import BundleMissing, Shelf, ShelfError, ShelfUnavailable

from functions.embed.services.embedding.encoders import Encoders
from functions.embed.services.model_change.coordinator import tally
from functions.embed.services.model_change.space_retirement import DELAY_SECONDS

_AFTER_FLIP_SECONDS = 3
"""So long after a flip, every search knows of it: it knows the pointer of a second ago."""

_FIRST_LOOK_SECONDS = 2

_NO_DIGEST = "Say which bundle: its bundle_digest, 64 hexadecimal digits."
_NO_BUNDLE = "There is no such bundle in the index bucket, or not with both halves; publish it first."
_DAMAGED = "The bundle in the index bucket can't be used; install the model again, and publish that."
_NOT_NOW = "The index bucket does not answer at the moment; try again shortly."
_TOO_EARLY = "The model was changed a moment ago; finalize in a few seconds."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOperations:
    """Answers operators.

    Attributes
    ----------
    encoders
        Of the models.
    bundles
        The index bucket's.
    spaces, others, generations, marks, maintenance
        As for the coordinator.
    clock
        Seconds since 1970-01-01 UTC.
    """

    encoders: Encoders
    bundles: Shelf
    spaces: SpaceStore
    others: OtherImageStore
    generations: GenerationStore
    marks: OtherMarkStore
    maintenance: MaintenanceQueue
    clock: Callable[[], float] = time.time

    def answer(self, request: ChangeModels) -> ModelsAnswer:
        """Do what an operator asks for, or say in a sentence why not."""
        try:
            return self._described(self._do(request))
        except NoModelChosen as error:
            return ModelsAnswer(status=503, detail=str(error))
        except ChangeRefused as error:
            return ModelsAnswer(status=409, detail=str(error))

    def _do(self, request: ChangeModels) -> Generations | ModelsAnswer:
        match request.action:
            case "status":
                return self.generations.current()
            case "reindex":
                return self._reindex(request.bundle_digest or "")
            case "rollback":
                return self._retiring(self.generations.rollback())
            case "finalize":
                return self._finalize()

    def _reindex(self, bundle_digest: str) -> Generations | ModelsAnswer:
        try:
            generation = self._usable(bundle_digest)
        except BundleMissing:
            return ModelsAnswer(status=404, detail=_NO_BUNDLE)
        except ShelfUnavailable:
            return ModelsAnswer(status=503, detail=_NOT_NOW)
        except (ShelfError, BundleError):
            return ModelsAnswer(status=409, detail=_DAMAGED)
        except ValueError:
            return ModelsAnswer(status=422, detail=_NO_DIGEST)
        look = Coordinate(space_id=generation.space_id)
        began = self.clock()
        # Before the change: where a crash comes in between, the message finds nothing to do.
        self.maintenance.send(look, delay_seconds=_FIRST_LOOK_SECONDS)
        now = self.generations.start(generation)
        if self.clock() - began > _FIRST_LOOK_SECONDS / 2:  # else it may have found nothing to do too early
            self.maintenance.send(look)
        return now

    def _usable(self, bundle_digest: str) -> Generation:
        """Return the generation of a bundle that every function can have, and that this one has loaded.

        From the moment that it begins to be written, uploads need it.
        """
        entry = self.bundles.entry(bundle_digest)
        # What this function holds, the search function may not have, which takes it from the bucket.
        if entry.halves != {"visual", "textual"} or not self.bundles.is_published(bundle_digest):
            raise BundleMissing(f"the bundle {bundle_digest} is not published with both halves")
        generation = Generation(entry.name, entry.space_id, entry.bundle_digest, entry.dimension)
        self.encoders.load(generation)
        return generation

    def _finalize(self) -> Generations | ModelsAnswer:
        now = self.generations.current()
        is_flipped = now.phase in (Phase.FLIPPED, Phase.ROLLED_BACK)
        if is_flipped and self.clock() - now.changed_at < _AFTER_FLIP_SECONDS:
            return ModelsAnswer(status=409, detail=_TOO_EARLY)
        return self._retiring(self.generations.finalize())

    def _retiring(self, now: Generations) -> Generations:
        if now.retired is not None:
            self.maintenance.send(RetireSpace(space_id=now.retired.space_id), delay_seconds=DELAY_SECONDS)
        return now

    def _described(self, now: Generations | ModelsAnswer) -> ModelsAnswer:
        if isinstance(now, ModelsAnswer):
            return now
        progress = None
        if now.other is not None and now.phase is Phase.BUILDING:  # else both are complete
            progress = asdict(tally(self.spaces, self.others, self.marks, now, now.other))
        return ModelsAnswer(status=200, models=describe(now, progress))


def describe(now: Generations, progress: dict[str, int] | None) -> dict[str, Any]:
    """Return the generations as the operator's routes show them."""
    return {
        "active": asdict(now.active),
        "other": asdict(now.other) if now.other else None,
        "retired": asdict(now.retired) if now.retired else None,
        "phase": now.phase.value,
        "revision": now.revision,
        "progress": progress,
    }
