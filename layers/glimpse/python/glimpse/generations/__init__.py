"""Which models a deployment has, and which of them searches use: one item, changed by conditional writes.

A *generation* is an embedding space and the bundle that embeds into it. There is one, or during a change of
model two; docs/model-change.md says why at every moment exactly the right images are found.
"""

from glimpse.generations.marks import OtherMark, OtherMarkStore
from glimpse.generations.store import CachedGenerations, GenerationStore
from glimpse.generations.types import ChangeRefused, Generation, Generations, NoModelChosen, Phase

__all__ = [
    "CachedGenerations",
    "ChangeRefused",
    "Generation",
    "GenerationStore",
    "Generations",
    "NoModelChosen",
    "OtherMark",
    "OtherMarkStore",
    "Phase",
]
