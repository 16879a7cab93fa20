"""Pictures and texts become unit vectors, each whatever comes with it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from glimpse.encoder import Bundle, BundleError, TextEncoder, VisualEncoder
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.unit.encoder.tiny_bundle import (
    CONTEXT_LENGTH,
    DIMENSION,
    SIZE,
    VOCABULARY,
    projection,
    write_bundle,
)

BATCHES = pytest.mark.parametrize("batch", ["batch", 1, 4], ids=["dynamic", "one", "four"])


def pictures(count: int) -> list[Image.Image]:
    random = np.random.default_rng(7)
    return [Image.fromarray(random.integers(0, 256, (20 + i, 31, 3), np.uint8)) for i in range(count)]


def unit(vectors: np.ndarray) -> np.ndarray:
    divided: np.ndarray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return divided


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    root = write_bundle(tmp_path_factory.mktemp("bundles") / "tiny", halves=("textual",))
    return TextEncoder(Bundle.load(root))


@BATCHES
def test_pixels_give_the_models_embedding(tmp_path: Path, batch: int | str) -> None:
    encoder = VisualEncoder(Bundle.load(write_bundle(tmp_path / "tiny", batch=batch)))
    pixels = np.random.default_rng(3).normal(size=(6, 3, SIZE, SIZE)).astype(np.float32)
    cells = pixels.reshape(6, 3, 2, 4, 2, 4).mean(axis=(3, 5)).reshape(6, 12)
    vectors = encoder.embed_pixels(pixels)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, unit(cells @ projection(12)), atol=1e-5)


@BATCHES
def test_pictures_are_embedded_in_their_order(tmp_path: Path, batch: int | str) -> None:
    encoder = VisualEncoder(Bundle.load(write_bundle(tmp_path / "tiny", batch=batch)), threads=2)
    images = pictures(19)  # more than one run's worth
    together = encoder.embed_images(images)
    assert together.shape == (19, DIMENSION)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.concatenate([encoder.embed_images([image]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_quantized_model_gives_a_picture_one_vector_whatever_its_company(tmp_path: Path) -> None:
    encoder = VisualEncoder(Bundle.load(write_bundle(tmp_path / "int8", quantized=True)))
    grey, loud = Image.new("RGB", (9, 9), (120, 125, 130)), Image.new("RGB", (9, 9), (255, 0, 255))
    np.testing.assert_array_equal(encoder.embed_images([grey, loud])[0], encoder.embed_images([grey])[0])


def test_nothing_in_nothing_out(tmp_path: Path, texts: TextEncoder) -> None:
    encoder = VisualEncoder(Bundle.load(write_bundle(tmp_path / "tiny")))
    assert encoder.embed_images([]).shape == (0, DIMENSION)
    assert encoder.embed_pixels(np.empty((0, 3, SIZE, SIZE), np.float32)).shape == (0, DIMENSION)
    assert texts.embed_texts([]).shape == (0, DIMENSION)


def test_pixels_of_another_size_are_refused(tmp_path: Path) -> None:
    encoder = VisualEncoder(Bundle.load(write_bundle(tmp_path / "tiny")))
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 9\)"):
        encoder.embed_pixels(np.zeros((2, 3, 8, 9), np.float32))


def test_an_embedding_without_a_direction_is_an_error(tmp_path: Path) -> None:
    encoder = VisualEncoder(Bundle.load(write_bundle(tmp_path / "tiny")))
    with pytest.raises(ArithmeticError, match=r"model\.onnx"):
        encoder.embed_pixels(np.full((1, 3, SIZE, SIZE), np.nan, np.float32))


def expected_text(tokens: list[str]) -> np.ndarray:
    ids = [VOCABULARY[token] for token in tokens]
    return unit(projection(len(VOCABULARY), seed=1)[ids].mean(axis=0))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a cat", ["<start>", "a", "cat", "<end>", "<pad>"]),
        ("  A \n CAT ", ["<start>", "a", "cat", "<end>", "<pad>"]),
        ("", ["<start>", "<end>", "<pad>", "<pad>", "<pad>"]),
        ("a red dog a red cat", ["<start>", "a", "red", "dog", "<end>"]),
        ("\ud800", ["<start>", "<unk>", "<end>", "<pad>", "<pad>"]),
    ],
    ids=["padded", "cleaned", "empty", "cut", "lone surrogate"],
)
def test_text_is_tokenised_to_the_context_length(texts: TextEncoder, text: str, tokens: list[str]) -> None:
    assert len(tokens) == CONTEXT_LENGTH
    np.testing.assert_allclose(texts.embed_texts([text])[0], expected_text(tokens), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=20))
def test_every_text_has_a_unit_vector_of_its_own(texts: TextEncoder, words: list[str]) -> None:
    vectors = texts.embed_texts(words)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[-1], texts.embed_texts(words[-1:])[0], atol=1e-6)


def test_a_model_may_ask_for_canonical_text(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "tiny")
    config = json.loads((root / "config.json").read_text())
    config["text_cfg"]["tokenizer_kwargs"] = {"clean": "canonicalize"}
    (root / "config.json").write_text(json.dumps(config))
    encoder = TextEncoder(Bundle.load(root))
    np.testing.assert_array_equal(encoder.embed_texts(["a_Cat!"]), encoder.embed_texts(["a cat"]))


def test_padding_of_the_tokenizer_itself_is_kept_but_its_length_is_the_models(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "tiny")
    tokenizer = json.loads((root / "textual/tokenizer.json").read_text())
    tokenizer["padding"] = {
        "strategy": {"Fixed": 3}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 2, "pad_type_id": 0, "pad_token": "<end>",
    }  # fmt: skip
    (root / "textual/tokenizer.json").write_text(json.dumps(tokenizer))
    (root / "textual/tokenizer_config.json").unlink()
    vector = TextEncoder(Bundle.load(root)).embed_texts(["cat"])[0]
    np.testing.assert_allclose(
        vector, expected_text(["<start>", "cat", "<end>", "<end>", "<end>"]), atol=1e-6
    )


@pytest.mark.parametrize("config", ['{"pad_token": "<nothing>"}', "{}", "not JSON"])
def test_a_tokenizer_that_cannot_pad_is_an_error(tmp_path: Path, config: str) -> None:
    root = write_bundle(tmp_path / "tiny")
    (root / "textual/tokenizer_config.json").write_text(config)
    with pytest.raises(BundleError, match=r"tokenizer_config\.json"):
        TextEncoder(Bundle.load(root))


def test_a_half_that_is_absent_cannot_embed(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "text-only", halves=("textual",)))
    with pytest.raises(BundleError, match="no visual/model"):
        VisualEncoder(bundle)


@pytest.mark.parametrize("half", ["visual", "textual"])
def test_a_damaged_model_is_named(tmp_path: Path, half: str) -> None:
    root = write_bundle(tmp_path / "tiny")
    (root / half / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(BundleError, match=rf"{half}/model\.onnx"):
        VisualEncoder(Bundle.load(root)) if half == "visual" else TextEncoder(Bundle.load(root))


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("config.json", {"embed_dim": DIMENSION + 1}, "embed_dim"),
        ("visual/preprocess_cfg.json", {"size": SIZE + 1}, "preprocess_cfg"),
    ],
)
def test_files_that_do_not_fit_together_are_an_error(
    tmp_path: Path, file: str, content: dict[str, object], named: str
) -> None:
    root = write_bundle(tmp_path / "tiny")
    (root / file).write_text(json.dumps(content))
    with pytest.raises(BundleError, match=named):
        VisualEncoder(Bundle.load(root))


@pytest.mark.parametrize(("wanted", "unwanted"), [("TextEncoder", "PIL"), ("VisualEncoder", "tokenizers")])
def test_one_half_does_not_import_the_others_libraries(wanted: str, unwanted: str) -> None:
    script = f"import sys; from glimpse.encoder import {wanted}; sys.exit({unwanted!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
