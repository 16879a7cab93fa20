"""Photographs become the tensors that open_clip's own evaluation transform makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from glimpse.encoder.preprocess import Preprocessing
from glimpse.photos import open_photo
from PIL import Image, ImageOps

pytestmark = pytest.mark.models

PHOTOS = Path(__file__).parents[1] / "photos"
NAMES = sorted(
    path.relative_to(PHOTOS).as_posix()
    for path in PHOTOS.rglob("*")
    if path.suffix in (".jpg", ".png", ".gif", ".tif") and path.name != "truncated.jpg"
)
# 16 bits, which Pillow cuts off where Glimpse scales them, and colour profiles, which it ignores.
UNLIKE = {"chessboard_GRAY_U16.tif", "page.png", "rocket.jpg"}
CLIP: dict[str, Any] = {"size": 224}
CONFIGS: dict[str, dict[str, Any]] = {
    "CLIP": CLIP,
    "SigLIP": {"size": 384, "mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"},
    "MobileCLIP": {"size": 256, "mean": [0.0] * 3, "std": [1.0] * 3, "interpolation": "bilinear"},
    "longest": {"size": [224, 224], "resize_mode": "longest", "fill_color": 128},
    "not square": {"size": [160, 224]},
}


def transforms(config: dict[str, Any], folder: Path) -> tuple[Any, Preprocessing]:
    """Return open_clip's and Glimpse's."""
    file = folder / "preprocess_cfg.json"
    file.write_text(json.dumps(config))
    sized = config | {"size": tuple(config["size"]) if isinstance(config["size"], list) else config["size"]}
    reference = open_clip.transform.PreprocessCfg(**sized)
    return open_clip.transform.image_transform_v2(reference, is_train=False), Preprocessing.load(file)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_tensor_of_a_picture_equals_open_clips(name: str, config: dict[str, Any], tmp_path: Path) -> None:
    reference, preprocess = transforms(config, tmp_path)
    image = open_photo((PHOTOS / name).read_bytes()).image
    np.testing.assert_allclose(preprocess(image), reference(image).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNLIKE])
@pytest.mark.parametrize("side", [64, 224, 384])
def test_from_the_file_on_as_well(name: str, side: int, tmp_path: Path) -> None:
    reference, preprocess = transforms(CLIP | {"size": side}, tmp_path)
    photo = open_photo((PHOTOS / name).read_bytes(), model_side=side)
    with Image.open(PHOTOS / name) as image:
        expected = reference(ImageOps.exif_transpose(image).convert("RGB")).numpy()
    seen = preprocess(photo.image)
    if photo.image.size == (photo.width, photo.height):
        np.testing.assert_allclose(seen, expected, atol=1e-5)
    else:  # decoded at a half, a quarter or an eighth
        assert (seen * expected).sum() / np.linalg.norm(seen) / np.linalg.norm(expected) >= 0.995


def test_both_ways_of_decoding_are_tested() -> None:
    drafted = []
    for name in NAMES:
        photo = open_photo((PHOTOS / name).read_bytes(), model_side=224)
        drafted.append(photo.image.size != (photo.width, photo.height))
    assert 5 <= sum(drafted) <= len(drafted) - 5
