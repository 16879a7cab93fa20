"""The pointer in DynamoDB. Every change is a conditional write on its revision."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from glimpse.generations.models import POINTER, DeploymentModel
from glimpse.generations.types import ChangeRefused, Generation, Generations, NoModelChosen, Phase
from glimpse.records.transactions import write_one

_BUSY = "Someone else changed the models at the same time; check their status, and try again if needed."
_BUILDING = "A change to the model {name} is in progress; wait until it is done, or cancel it by a rollback."
_BOTH_KEPT = "Both models are kept until the last change is finalized; finalize it first."
_RETIRING = "The indexes of {name} are still being removed; try again in a few minutes."
_NOT_COMPLETE = "{name} is not complete yet: wait until it is, or cancel the change by a rollback."
_NO_CHANGE = "No change of model is in progress; there is nothing to {what}."


class GenerationStore:
    """Reads and changes the deployment's generations.

    Parameters
    ----------
    clock
        Seconds since 1970-01-01 UTC.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def read(self) -> Generations | None:
        """Return the generations by a consistent read, or None if no model has been chosen yet."""
        try:
            return _value(DeploymentModel.get(POINTER, consistent_read=True))
        except DeploymentModel.DoesNotExist:
            return None

    def current(self) -> Generations:
        """Return the generations by a consistent read.

        Raises
        ------
        NoModelChosen
            If there are none.
        """
        found = self.read()
        if found is None:
            raise NoModelChosen
        return found

    def initialize(self, generation: Generation) -> Generations:
        """Choose the deployment's first model, and return the current generations; an earlier choice wins."""
        first = Generations(generation, changed_at=int(self._clock()))
        is_first = write_one(lambda: _item(first).save(condition=DeploymentModel.name.does_not_exist()))
        return first if is_first else self.current()

    def start(self, generation: Generation) -> Generations:
        """Begin the change to another model, and return the generations after that.

        A bundle of the active space replaces the active one at once, since its embeddings belong in the same
        indexes. Starting the change that is already in progress does nothing. Starting the one that was
        rolled back flips forward again, since both generations are complete.

        Raises
        ------
        ChangeRefused
            If another change is in progress, or the last one is not cleaned up yet.
        NoModelChosen
            If there is no model to change from.
        """
        now = self.current()
        if now.other is not None:
            return self._resume(now, now.other, generation)
        if generation.space_id == now.active.space_id:
            return now if generation == now.active else self._change(now, active=generation)
        if now.retired is not None:
            raise ChangeRefused(_RETIRING.format(name=now.retired.name))
        return self._change(now, other=generation, phase=Phase.BUILDING)

    def _resume(self, now: Generations, other: Generation, generation: Generation) -> Generations:
        if now.phase is Phase.BUILDING:
            if generation == other:
                return now
            raise ChangeRefused(_BUILDING.format(name=other.name))
        if now.phase is Phase.ROLLED_BACK and generation == other:
            return self._swap(now, Phase.FLIPPED)
        if now.phase is Phase.FLIPPED and generation == now.active:
            return now
        raise ChangeRefused(_BOTH_KEPT)

    def flip(self, seen: Generations) -> Generations:
        """Make the new generation active, as the last step of building it.

        Raises
        ------
        ChangeRefused
            If no generation is being built, or the pointer has changed since it was read.
        """
        if seen.phase is not Phase.BUILDING:
            raise ChangeRefused(_NO_CHANGE.format(what="complete"))
        return self._swap(seen, Phase.FLIPPED)

    def rollback(self) -> Generations:
        """Make the earlier generation active again, or cancel a change that is not complete.

        Raises
        ------
        ChangeRefused
            If no change is in progress, or another one was faster.
        """
        now = self.current()
        match now.phase:
            case Phase.FLIPPED:
                return self._swap(now, Phase.ROLLED_BACK)
            case Phase.ROLLED_BACK:
                return now
            case Phase.BUILDING:
                return self._drop_other(now)
            case Phase.STABLE:
                if now.retired is not None:
                    return now
                raise ChangeRefused(_NO_CHANGE.format(what="roll back"))

    def finalize(self) -> Generations:
        """Keep only the active generation, and retire the other one.

        Raises
        ------
        ChangeRefused
            If no change is in progress, it is not complete, or another one was faster.
        """
        now = self.current()
        if now.phase is Phase.BUILDING and now.other is not None:
            raise ChangeRefused(_NOT_COMPLETE.format(name=now.other.name))
        if now.other is None:
            if now.retired is not None:
                return now
            raise ChangeRefused(_NO_CHANGE.format(what="finalize"))
        return self._drop_other(now)

    def forget_retired(self, seen: Generations) -> Generations:
        """Record that nothing is left of the retired generation."""
        return self._change(seen, retired=None)

    def _drop_other(self, now: Generations) -> Generations:
        return self._change(now, other=None, retired=now.other, phase=Phase.STABLE)

    def _swap(self, now: Generations, phase: Phase) -> Generations:
        assert now.other is not None  # noqa: S101 - by the phases in which this is called
        return self._change(
            now, active=now.other, other=now.active, phase=phase, changed_at=int(self._clock())
        )

    def _change(self, seen: Generations, **changes: Any) -> Generations:  # noqa: ANN401 - fields of Generations
        following = replace(seen, revision=seen.revision + 1, **changes)
        if not write_one(lambda: _item(following).save(condition=DeploymentModel.revision == seen.revision)):
            raise ChangeRefused(_BUSY)
        return following


class CachedGenerations:
    """Caches the pointer for `seconds`. Thread-safe.

    Parameters
    ----------
    store
        Reads the pointer.
    seconds
        Maximum age of an answer.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        store: GenerationStore,
        seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._known: tuple[float, Generations] | None = None

    def current(self) -> Generations:
        """Return the generations as of at most `seconds` ago; raises NoModelChosen."""
        asked = self._clock()  # taken before the read, since the answer may be as old as the request
        known = self._known
        if known is not None and asked - known[0] < self._seconds:
            return known[1]
        return self.fresh()

    def fresh(self) -> Generations:
        """Return the generations as they are now; raises NoModelChosen."""
        asked = self._clock()
        found = self._store.current()
        self._known = asked, found
        return found


def _item(value: Generations) -> DeploymentModel:
    return DeploymentModel(
        POINTER,
        active=asdict(value.active),
        other=asdict(value.other) if value.other else None,
        retired=asdict(value.retired) if value.retired else None,
        phase=value.phase.value,
        revision=value.revision,
        changed_at=value.changed_at,
    )


def _value(item: DeploymentModel) -> Generations:
    return Generations(
        active=Generation(**item.active),
        other=Generation(**item.other) if item.other else None,
        phase=Phase(item.phase),
        revision=item.revision,
        retired=Generation(**item.retired) if item.retired else None,
        changed_at=item.changed_at,
    )
