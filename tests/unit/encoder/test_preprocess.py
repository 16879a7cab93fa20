"""A picture becomes a model's input as open_clip's evaluation transform makes it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glimpse.encoder import BundleError
from glimpse.encoder.preprocess import Preprocessing
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.unit.encoder.make_goldens import GOLDENS, configurations, picture


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load(config: dict[str, Any]) -> Preprocessing:
        path = tmp_path / "preprocess_cfg.json"
        path.write_text(json.dumps(config))
        return Preprocessing.load(path)

    return load


@pytest.mark.parametrize("name", configurations())
def test_equals_open_clip(name: str, load: Any) -> None:
    part, config = configurations()[name]
    with np.load(GOLDENS) as goldens:
        expected = goldens[name]
    np.testing.assert_allclose(load(config)(picture(part)), expected, atol=1e-6)


def test_mean_and_std_apply_per_channel(load: Any) -> None:
    preprocess = load({"size": 2, "mean": [0.0, 0.5, 1.0], "std": [1.0, 0.5, 0.25]})
    pixels = preprocess(Image.new("RGB", (5, 3), (255, 0, 51)))
    assert pixels.shape == (3, 2, 2)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[:, 0, 0], [1.0, -1.0, -3.2], rtol=1e-6)


def test_other_modes_are_converted_first(load: Any) -> None:
    preprocess = load({"size": 4})
    grey = Image.linear_gradient("L")
    np.testing.assert_array_equal(preprocess(grey), preprocess(grey.convert("RGB")))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["shortest", "longest", "squash"]),
    st.sampled_from([(7, 7), (5, 9)]),
)
def test_every_size_gives_the_models_input(width: int, height: int, mode: str, size: tuple[int, int]) -> None:
    preprocess = Preprocessing(*size, mean=(0, 0, 0), std=(1, 1, 1), resize_mode=mode)
    pixels = preprocess(Image.new("RGB", (width, height), (0, 102, 255)))
    assert pixels.shape == (3, *size)
    # A picture of one colour keeps it, wherever it lies; "longest" pads with black around it.
    centre = pixels[:, size[0] // 2, size[1] // 2]
    np.testing.assert_allclose(centre, [0, 0.4, 1], atol=1e-6)


def test_a_thread_of_pixels_does_not_fill_the_memory(load: Any) -> None:
    strip = Image.new("RGB", (2_000_000, 1), (255, 0, 0))
    strip.paste((0, 255, 0), (1_000_000, 0, 2_000_000, 1))
    pixels = load({"size": 64, "mean": [0, 0, 0], "std": [1, 1, 1]})(
        strip
    )  # 64 x 128,000,000 if it were enlarged whole
    assert pixels.shape == (3, 64, 64)
    np.testing.assert_allclose(pixels[:, 0, 0], [1, 0, 0], atol=0.01)
    np.testing.assert_allclose(pixels[:, 0, -1], [0, 1, 0], atol=0.01)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({}, "size"),
        ({"size": 0}, "size"),
        ({"size": "64"}, "size"),
        ({"size": [1, 2, 3]}, "size"),
        ({"size": 8, "mode": "L"}, "mode"),
        ({"size": 8, "resize_mode": "stretch"}, "resize_mode"),
        ({"size": 8, "interpolation": "lanczos"}, "interpolation"),
        ({"size": 8, "mean": [0.5, 0.5]}, "mean"),
        ({"size": 8, "std": "big"}, "std"),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_named(
    config: dict[str, Any], named: str, load: Any
) -> None:
    with pytest.raises(BundleError, match=named):
        load(config)
