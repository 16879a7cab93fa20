"""What the logistic models of :mod:`glimpse.index.relevance` weigh, by embedding space.

``python -m benchmarks.cutoff --calibrate`` prints these numbers, fitted on scenes of other seeds than those
that it judges by.
"""

from dataclasses import dataclass

_IMAGE_FEATURES = 10
"""That standardised scores have; absolute ones add to them."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of an embedding space, each time the constant first.

    Attributes
    ----------
    image : tuple of float
        For an image being relevant, by its score and rank.
    nothing : tuple of float
        For nothing being relevant, by the ranking's top.
    """

    image: tuple[float, ...]
    nothing: tuple[float, ...]

    @property
    def knows_scores(self) -> bool:
        """Whether absolute cosines count, which mean something in this space only."""
        return len(self.image) > 1 + _IMAGE_FEATURES


DEMO_SPACE = "glimpse-demo-42a71af4895d"

DEMO = Calibration(
    image=(
        -21.676,
        3.6479,
        -0.59969,
        -0.22119,
        -0.29485,
        -0.85814,
        0.17294,
        0.57798,
        -1.0161,
        -0.69803,
        0.24937,
        23.618,
        81.707,
        54.526,
        1.6015,
        1.2779,
        5.0439,
        -1.0136,
        -1.5901,
        28.723,
        -64.858,
        -130.39,
    ),
    nothing=(
        17.007,
        1.6934,
        0.0045697,
        -1.7047,
        0.68031,
        0.32481,
        -0.35421,
        -0.85817,
        -62.614,
        -12.41,
        19.897,
        -18.976,
        -45.384,
        4.0705,
    ),
)
SCALE_FREE = Calibration(
    image=(
        -6.0089,
        4.2206,
        -0.46162,
        1.047,
        -0.08319,
        -2.1525,
        0.37551,
        1.3912,
        0.18394,
        -0.12022,
        -0.084706,
    ),
    nothing=(0.57551, -0.53624, -0.15575, -0.12868, 0.79792, 1.1906, -0.22218, -0.7259),
)

SPACES = {DEMO_SPACE: DEMO}
