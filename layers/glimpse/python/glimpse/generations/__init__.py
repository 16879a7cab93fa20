"""The models of a deployment, and which one searches use: one item, changed by conditional writes.

A *generation* is an embedding space and the bundle that embeds into it. There is one; during a change of
model there are two. docs/model-change.md explains why searches find exactly the right images at every moment.
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
