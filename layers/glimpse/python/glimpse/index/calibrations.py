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
        -7.5728,
        0.27564,
        -0.13239,
        -0.30663,
        0.11644,
        -0.57028,
        0.00068836,
        1.0999,
        0.033165,
        -0.7193,
        -0.047012,
        5.9488,
        26.751,
        -4.8097,
        -13.306,
        8.7094,
        0.97726,
        0.37406,
        1.091,
        -1.0085,
        12.376,
        50.015,
    ),
    nothing=(
        25.008,
        0.074031,
        0.12277,
        -1.1975,
        0.84983,
        0.12306,
        -0.2431,
        0.099651,
        -102.54,
        56.885,
        2.1745,
        -5.6882,
        -12.405,
        3.6744,
    ),
)
SCALE_FREE = Calibration(
    image=(
        -7.318,
        3.4578,
        0.10493,
        -0.29671,
        0.40305,
        -1.2719,
        0.11756,
        1.7221,
        1.0906,
        -1.3184,
        -0.48558,
    ),
    nothing=(
        3.9849,
        -2.9436,
        0.072381,
        -0.35432,
        0.26896,
        0.86512,
        -0.082178,
        1.9246,
    ),
)

SPACES = {DEMO_SPACE: DEMO}
