"""Weights of :mod:`glimpse.index.relevance.model`, by embedding space.

``make calibrate-cutoff`` writes the file of the demo model. It is fitted on scenes with other seeds than the
ones that ``make bench-cutoff`` evaluates. Cosines only have a meaning within one space, so there is no
estimate in a space without such a file.
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
"""The weights file of each embedding space."""


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """A network with one hidden ReLU layer and a linear skip connection.

    Attributes
    ----------
    hidden : (1 + f, h) float32
        Weights of the hidden layer, the biases first.
    output : (h,) float32
        Weights from the hidden layer to the output.
    direct : (1 + f,) float32
        Weights of the skip connection, the bias first.
    """

    hidden: Weights
    output: Weights
    direct: Weights

    def __call__(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the (n,) values of (n, f) features."""
        shown = np.maximum(features @ self.hidden[1:] + self.hidden[0], 0)
        return np.asarray(shown @ self.output + features @ self.direct[1:] + self.direct[0], np.float64)


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """The weights for one embedding space.

    Attributes
    ----------
    usual : (1 + d, u) float32
        Linear model that predicts the usual scores from a text's embedding; the constant first.
    count : Network
        Gives a value to each possible count.
    none : Network
        Gives a value to the count 0.
    """

    usual: Weights
    count: Network
    none: Network

    @classmethod
    def load(cls, file: Path) -> Self:
        """Load a calibration from an NPZ file."""
        with np.load(file) as arrays:
            count, none = (
                Network(*(arrays[f"{name}_{part}"] for part in Network.__slots__))
                for name in ("count", "none")
            )
            return cls(arrays["usual"], count, none)

    def save(self, file: Path) -> None:
        """Save a calibration as an NPZ file."""
        parts = {
            f"{name}_{part}": getattr(network, part)
            for name, network in (("count", self.count), ("none", self.none))
            for part in Network.__slots__
        }
        np.savez_compressed(file, usual=self.usual, **parts)


@cache
def calibration_of(space_id: str) -> Calibration | None:
    """Return the calibration of an embedding space, or None if it has none."""
    return Calibration.load(FILES[space_id]) if space_id in FILES else None
