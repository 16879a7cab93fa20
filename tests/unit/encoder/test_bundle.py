"""A bundle is checked when it is opened, and names its space and its bytes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from glimpse.encoder import Bundle, BundleError

from tests.unit.encoder.tiny_bundle import CONTEXT_LENGTH, DIMENSION, write_bundle


def edit_config(root: Path, **changes: object) -> None:
    config = json.loads((root / "config.json").read_text())
    (root / "config.json").write_text(json.dumps(config | changes))


def test_properties(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "tiny"))
    assert (bundle.name, bundle.space_id) == ("Tiny", "tiny-1")
    assert (bundle.dimension, bundle.context_length) == (DIMENSION, CONTEXT_LENGTH)
    assert bundle.has_visual
    assert bundle.has_textual


def test_a_bundle_of_others_is_named_by_its_folder(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "ViT-B-32__openai", space_id=None))
    assert bundle.name == "ViT-B-32__openai"


def test_context_length_defaults_to_open_clips(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "tiny")
    edit_config(root, text_cfg={})
    assert Bundle.load(root).context_length == 77


def test_a_half_is_enough(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "text-only", halves=("textual",)))
    assert not bundle.has_visual
    assert bundle.space_id == "tiny-1"


def test_a_half_without_its_model_is_absent(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "tiny")
    (root / "visual" / "model.onnx").unlink()
    assert not Bundle.load(root).has_visual


@pytest.mark.parametrize(
    "file",
    [
        "config.json",
        "visual/preprocess_cfg.json",
        "textual/tokenizer.json",
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    root = write_bundle(tmp_path / "tiny")
    (root / file).unlink()
    with pytest.raises(BundleError, match=file):
        Bundle.load(root)


def _no_halves(root: Path) -> None:
    shutil.rmtree(root / "visual")
    shutil.rmtree(root / "textual")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_no_halves, "neither"),
        (lambda root: (root / "config.json").write_text("{"), "JSON"),
        (lambda root: (root / "config.json").write_text("[]"), "object"),
        (lambda root: (root / "config.json").write_bytes(b"\xff\xfe"), "JSON"),
        (lambda root: edit_config(root, embed_dim=None), "embed_dim"),
        (lambda root: edit_config(root, embed_dim=True), "embed_dim"),
        (lambda root: edit_config(root, text_cfg={"context_length": 0}), "context_length"),
        (lambda root: edit_config(root, glimpse={"space_id": "../up"}), "space_id"),
        (lambda root: edit_config(root, glimpse={"space_id": ""}), "space_id"),
        (lambda root: edit_config(root, glimpse="demo"), "glimpse"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, spoil: Callable[[Path], object], named: str) -> None:
    root = write_bundle(tmp_path / "tiny")
    spoil(root)
    with pytest.raises(BundleError, match=named):
        Bundle.load(root)


def test_the_digest_changes_with_every_file_that_the_encoders_read(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "tiny", space_id=None)
    before = Bundle.load(root)
    files = list(before.files())
    assert len(files) == 6
    seen = {before.digest}
    for file in files:
        original = file.read_bytes()
        file.write_bytes(original + b" ")
        changed = Bundle.load(root)
        assert changed.space_id != before.space_id
        seen.add(changed.digest)
        file.write_bytes(original)
    assert len(seen) == 7
    (root / "README.md").write_text("What is beside the model does not change it.")
    again = Bundle.load(shutil.copytree(root, tmp_path / "elsewhere"))
    assert (again.digest, again.space_id) == (before.digest, before.space_id)


def test_half_a_model_cannot_guess_its_space(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "half", halves=("visual",), space_id=None))
    with pytest.raises(BundleError, match="space_id"):
        _ = bundle.space_id
