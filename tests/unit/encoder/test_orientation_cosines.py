"""The bundle that ships sees one scene alike, however the camera was held."""

from pathlib import Path

import numpy as np
import pytest
from glimpse.encoder import Bundle, VisualEncoder
from glimpse.photos import open_photo

PHOTOS = Path(__file__).parents[2] / "photos"
BUNDLE = Path(__file__).parents[3] / "models" / "demo"
UNREADABLE = {"README.md", "truncated.jpg"}

ORIENTED = sorted((PHOTOS / "exif-orientation").glob("*.jpg"))
OTHERS = sorted(path for path in PHOTOS.iterdir() if path.is_file() and path.name not in UNREADABLE)


@pytest.fixture(scope="module")
def cosines() -> np.ndarray:
    """Of every photograph with every other, the nine oriented ones first."""
    images = [open_photo(path.read_bytes()).image for path in [*ORIENTED, *OTHERS]]
    vectors = VisualEncoder(Bundle.load(BUNDLE)).embed_images(images)
    return vectors @ vectors.T


def test_one_scene_is_alike_under_every_orientation(cosines: np.ndarray) -> None:
    assert len(ORIENTED) == 9
    assert cosines[:9, :9].min() >= 0.98


def test_no_other_photograph_is_as_alike(cosines: np.ndarray) -> None:
    assert len(OTHERS) >= 10
    assert cosines[:9, 9:].max() < cosines[:9, :9].min()
