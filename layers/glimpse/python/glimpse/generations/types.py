"""A deployment's models as plain values, independent of DynamoDB."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Generation:
    """One embedding space of the deployment, and the bundle that embeds into it.

    Attributes
    ----------
    name
        The model's display name.
    space_id
        The embedding space: part of the key of every index.
    bundle_digest
        The bundle digest, by which :class:`glimpse.shelf.Shelf` finds the bundle.
    dimension
        Length of an embedding.
    """

    name: str
    space_id: str
    bundle_digest: str
    dimension: int


class Phase(StrEnum):
    """The phase of a change of model.

    STABLE: there is one generation. BUILDING: `other` is being filled alongside the active one. FLIPPED:
    `other` is the earlier generation, complete and kept up to date. ROLLED_BACK: `other` is the newer one,
    complete and kept up to date.
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
        The generation that searches use.
    other
        The generation that is written along with it, if any.
    retired
        A generation that is no longer written, until all of it is removed.
    phase
        The phase of a change of model.
    revision
        Rises with every change; each change is conditional on it.
    changed_at
        When `active` last changed, in seconds since 1970-01-01 UTC.
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
    """The deployment has no model yet; the operator must choose one."""

    def __init__(self) -> None:
        super().__init__(
            "No model has been chosen yet; run `glimpse model use NAME`, or deploy again, and try again."
        )


class ChangeRefused(Exception):
    """The change conflicts with one in progress; the message is a sentence for the operator."""
