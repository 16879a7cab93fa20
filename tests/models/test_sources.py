"""Models come from names, checkpoint files, configurations and folders; what can't be had is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from glimpse.encoder import Bundle, BundleError
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import XLMRobertaConfig

from foundry.comparison.parity import embed_texts
from foundry.conversion.export import write_bundle
from foundry.conversion.sources import SourceError, load
from foundry.quantization import graphs
from tests.models.hub_tokenizers import KINDS, write_folder

pytestmark = pytest.mark.models
VISION = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
TINY = {
    "embed_dim": 32,
    "vision_cfg": VISION,
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "tiny-clip.json"
    file.write_text(json.dumps(TINY))
    return str(file)


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_checkpoint_file_of_a_configuration_of_ours(tmp_path: Path, tiny: str, kind: str) -> None:
    trained = load(tiny, None, seed=3)
    weights = tmp_path / f"epoch-7.{kind}"
    state = trained.model.state_dict()
    torch.save({"state_dict": state}, weights) if kind == "pt" else save_file(state, weights)
    for name in ("first", "second"):
        assert write_bundle(load(tiny, str(weights)), tmp_path / name).holds
    first, second = (Bundle.load(tmp_path / name) for name in ("first", "second"))
    assert first.name == "tiny-clip__epoch-7"
    assert first.space_id == second.space_id
    other = load(tiny, None, seed=4, name="tiny-clip__epoch-7")
    write_bundle(other, tmp_path / "second")
    assert Bundle.load(tmp_path / "second").space_id != first.space_id
    assert first.config["embed_dim"] == TINY["embed_dim"]


def test_what_cannot_be_had_is_named(tmp_path: Path, tiny: str) -> None:
    with pytest.raises(SourceError, match="Name a pretrained tag"):
        load(tiny, None)
    with pytest.raises(SourceError, match="ViT-Z-32"):
        load("ViT-Z-32", "openai")
    with pytest.raises(SourceError, match="epoch-8"):
        load(tiny, str(tmp_path / "epoch-8.pt"))
    with pytest.raises(SourceError, match="laion400m"):  # a tag that is known, on a hub that can't be reached
        load("ViT-B-32", "laion400m_e32")
    folder = write_folder(tmp_path / "empty", "t5", TINY, {})
    with pytest.raises(SourceError, match="empty"):
        load(folder, None)


class Moody(nn.Module):
    """Decides in Python, by what it sees, which is lost where a graph is traced from one example."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def encode_image(self, image: Tensor) -> Tensor:
        features: Tensor = self.model.encode_image(image)
        return features if image.mean() > 0.1 else -features

    def encode_text(self, text: Tensor) -> Tensor:
        features: Tensor = self.model.encode_text(text)
        return features


def test_a_bundle_that_strays_from_torch_is_refused_and_leaves_nothing(tmp_path: Path, tiny: str) -> None:
    source = load(tiny, None, seed=3)
    with pytest.raises(BundleError, match="image_cosine_min"):
        write_bundle(replace(source, model=Moody(source.model).eval()), tmp_path / "out" / "bundle")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("kind", ["xlm-roberta", "t5"])
def test_a_multilingual_text_tower_of_a_hub(tmp_path: Path, kind: str) -> None:
    text_cfg = {
        "hf_model_name": str(tmp_path),
        "hf_tokenizer_name": str(tmp_path),
        "hf_pooler_type": "mean_pooler",
    }
    config = {"embed_dim": 32, "vision_cfg": VISION, "text_cfg": text_cfg | {"context_length": 16}}
    name = write_folder(
        tmp_path, kind, config, {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "longest"}
    )
    tokenizer, special = KINDS[kind]()
    XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        pad_token_id=tokenizer.token_to_id(special["pad_token"]),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
    ).save_pretrained(tmp_path)
    parity = write_bundle(load(name, None, seed=2, name="multilingual"), tmp_path / "bundle")
    assert not parity.faults(0.9999)


def test_weights_that_one_file_cannot_hold_lie_beside_it(
    tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = load(tiny, None, seed=3)
    write_bundle(source, tmp_path / "whole")
    monkeypatch.setattr(graphs, "LARGEST_FILE", 100_000)
    write_bundle(source, tmp_path / "apart")
    model = onnx.load(tmp_path / "apart/textual/model.onnx", load_external_data=False)
    assert model.ByteSize() < 1_000_000
    assert graphs.external_files(tmp_path / "apart/textual/model.onnx") == {
        tmp_path / "apart/textual" / graphs.EXTERNAL
    }
    texts = ["a cat", "two dogs"]
    np.testing.assert_allclose(
        embed_texts(tmp_path / "apart", texts), embed_texts(tmp_path / "whole", texts), atol=1e-6
    )
