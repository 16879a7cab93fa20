"""What :mod:`glimpse.index.relevance.model` weighs, by embedding space.

``make calibrate-cutoff`` writes the file of the demo model, fitted on scenes of other seeds than those that
``make bench-cutoff`` judges by. Cosines mean something within one space only, so there is nothing to be said
in a space that has no such file.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]
DEMO_SPACE = "glimpse-demo-42a71af4895d"
FILES = {DEMO_SPACE: Path(__file__).with_name("demo.npz")}
"""Where the weights of an embedding space are."""


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """A network with one hidden layer, and a linear way past it.

    Attributes
    ----------
    hidden : (1 + f, h) float32
        The constants first.
    output : (h,) float32
        Of the hidden layer.
    direct : (1 + f,) float32
        Past it; the constant first.
    """

    hidden: Weights
    output: Weights
    direct: Weights

    def __call__(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the value of each row of (n, f) features."""
        shown = np.maximum(features @ self.hidden[1:] + self.hidden[0], 0)
        return np.asarray(shown @ self.output + features @ self.direct[1:] + self.direct[0], np.float64)


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """Weights of an embedding space.

    Attributes
    ----------
    usual : (1 + d, u) float32
        What tells from a text's embedding which scores are usual; the constant first.
    count : Network
        Gives each count that could be the answer a value.
    none : Network
        Gives the answer 0 a value.
    """

    usual: Weights
    count: Network
    none: Network

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a calibration."""
        with np.load(file) as arrays:
            count, none = (
                Network(*(arrays[f"{name}_{part}"] for part in Network.__slots__))
                for name in ("count", "none")
            )
            return cls(arrays["usual"], count, none)

    def save(self, file: Path) -> None:
        """Write a calibration."""
        parts = {
            f"{name}_{part}": getattr(network, part)
            for name, network in (("count", self.count), ("none", self.none))
            for part in Network.__slots__
        }
        np.savez_compressed(file, usual=self.usual, **parts)


@cache
def calibration_of(space_id: str) -> Calibration | None:
    """Return the calibration of an embedding space, None if it has none."""
    return Calibration.load(FILES[space_id]) if space_id in FILES else None
