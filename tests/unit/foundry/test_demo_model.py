"""The demo model embeds as it did in full precision when `foundry.demo_model.bundle` made it."""

from __future__ import annotations

import numpy as np
import pytest
from glimpse.encoder import Bundle

from foundry.comparison import golden
from foundry.comparison.parity import SMALLEST_COSINE, Vectors, embed_images, embed_texts
from foundry.demo_model.bundle import GOLDEN
from foundry.demo_model.evaluate import BUNDLE


@pytest.fixture(scope="module")
def embedded() -> tuple[Vectors, Vectors]:
    pictures, texts = golden.inputs()
    return embed_images(BUNDLE, pictures), embed_texts(BUNDLE, texts)


def test_golden_vectors(embedded: tuple[Vectors, Vectors]) -> None:
    images, texts = golden.nearest(*embedded, Bundle.load(BUNDLE).space_id, GOLDEN)
    assert images >= SMALLEST_COSINE
    assert texts >= SMALLEST_COSINE


def test_another_order_would_be_noticed(embedded: tuple[Vectors, Vectors]) -> None:
    space = Bundle.load(BUNDLE).space_id
    images, texts = golden.nearest(*(np.roll(half, 1, axis=0) for half in embedded), space, GOLDEN)
    assert images < 0.9
    assert texts < 0.9


def test_another_model_asks_for_new_golden_vectors(embedded: tuple[Vectors, Vectors]) -> None:
    with pytest.raises(ValueError, match="write it anew"):
        golden.nearest(*embedded, "another-space", GOLDEN)
