"""What a deployment's models look like outside this package: plain values, no trace of DynamoDB."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Generation:
    """One embedding space of the deployment, and the bundle that embeds into it.

    Attributes
    ----------
    name
        What people call the model.
    space_id
        The embedding space: part of the key of every index.
    bundle_digest
        Names the bytes of the bundle (:class:`glimpse.shelf.Shelf` finds it).
    dimension
        Length of an embedding.
    """

    name: str
    space_id: str
    bundle_digest: str
    dimension: int


class Phase(StrEnum):
    """How far a change of model is.

    STABLE: there is one generation. BUILDING: `other` is being filled beside the active one. FLIPPED: `other`
    is the earlier generation, complete and kept current. ROLLED_BACK: `other` is the newer one, complete and
    kept current.
    """

    STABLE = "STABLE"
    BUILDING = "BUILDING"
    FLIPPED = "FLIPPED"
    ROLLED_BACK = "ROLLED_BACK"


@dataclass(frozen=True, slots=True)
class Generations:
    """The deployment-wide pointer, as it was read.

    Attributes
    ----------
    active
        What searches use.
    other
        What is written along with it, if anything.
    retired
        What is not written any more, as long as parts of it are still there.
    phase
        How far a change is.
    revision
        Rises with every change: the condition of the next one.
    changed_at
        Seconds since 1970-01-01 UTC of the last change of `active`.
    """

    active: Generation
    other: Generation | None = None
    phase: Phase = Phase.STABLE
    revision: int = 1
    retired: Generation | None = None
    changed_at: int = 0

    @property
    def written(self) -> tuple[Generation, ...]:
        """The generations that every upload and deletion goes to, the active one first."""
        return (self.active,) if self.other is None else (self.active, self.other)

    @property
    def spaces(self) -> frozenset[str]:
        """The embedding spaces that every upload and deletion goes to."""
        return frozenset(generation.space_id for generation in self.written)


class NoModelChosen(Exception):
    """The deployment has no model yet: whoever deploys has to choose one."""

    def __init__(self) -> None:
        super().__init__(
            "No model has been chosen yet; run `glimpse model use NAME`, or deploy again, and try again."
        )


class ChangeRefused(Exception):
    """The change does not fit what is under way; the message is a sentence for the operator."""
