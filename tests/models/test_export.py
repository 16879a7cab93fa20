"""Each architecture's bundle embeds as open_clip does with torch, in full precision and in 8 bits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import open_clip
import pytest
from glimpse.encoder import Bundle

from foundry.comparison import golden, samples
from foundry.comparison.parity import Parity, embed_images, embed_texts
from foundry.conversion.export import write_bundle
from foundry.conversion.sources import Source, load
from foundry.quantization.fitting import fit
from tests.models.hub_tokenizers import write_folder

pytestmark = pytest.mark.models
SEED = 5
GOLDEN = Path(__file__).parent / "golden"
SIGLIP2 = "ViT-B-16-SigLIP2"  # its tokenizer is on a hub: one of its kind is trained here
BEAR_EIGHT_BITS = ("ViT-B-32", "ViT-B-32-quickgelu")
ARCHITECTURES = ("ViT-B-32", "ViT-B-32-quickgelu", SIGLIP2, "MobileCLIP2-S0", "PE-Core-T-16-384")


@dataclass
class Exported:
    source: Source
    bundle: Path
    parity: Parity


def model(name: str, folder: Path) -> Source:
    """Load an architecture with seeded random weights."""
    if name != SIGLIP2:
        return load(name, None, seed=SEED)
    config = open_clip.get_model_config(name)
    config["text_cfg"]["hf_tokenizer_name"] = "gemma"
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    return load(write_folder(folder / name, "gemma", config, preprocess), None, seed=SEED)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder = tmp_path_factory.mktemp("exported")
    source = model(request.param, folder)
    bundle = folder / "bundle"
    yield Exported(source, bundle, write_bundle(source, bundle))
    for file in folder.rglob("model.onnx*"):  # gigabytes, for the longest name of a vocabulary
        file.unlink()


def test_full_precision_embeds_as_torch_does(exported: Exported) -> None:
    assert not exported.parity.faults(0.9999), exported.parity
    bundle = Bundle.load(exported.bundle)
    assert bundle.dimension == exported.source.config["embed_dim"]
    assert bundle.name == exported.source.name
    assert bundle.space_id.startswith(exported.source.name)
    preprocess = json.loads((exported.bundle / "visual/preprocess_cfg.json").read_text())
    assert preprocess == json.loads(
        json.dumps(exported.source.preprocess | {"size": exported.source.image_size})
    )


def test_a_folder_of_other_things_is_not_replaced(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("Dear Ada")
    with pytest.raises(FileExistsError, match="no bundle"):
        write_bundle(exported.source, tmp_path)
    assert (tmp_path / "letters.txt").exists()


def test_eight_bits_hold_or_a_finer_scheme_is_taken(exported: Exported, tmp_path: Path) -> None:
    """Random weights put embeddings close together; in some towers, only float32 tells them apart."""
    trials = fit(exported.bundle, tmp_path / "out", samples.pictures()[:50], samples.TEXTS)
    for trial in trials:
        print(exported.source.name, trial.name, f"{trial.size / 1e6:.0f} MB", trial.parity.as_json())
    assert trials[-1].parity.holds
    assert trials[-1].scheme.products or exported.source.name.split("__")[0] not in BEAR_EIGHT_BITS
    assert Bundle.load(tmp_path / "out").space_id == Bundle.load(exported.bundle).space_id


def test_golden_vectors(exported: Exported) -> None:
    pictures, texts = golden.inputs()
    vectors = embed_images(exported.bundle, pictures), embed_texts(exported.bundle, texts)
    # The space of seeded weights is that of one version of the generator and of the trained-here tokenizer.
    nearest = golden.nearest(*vectors, exported.source.name, GOLDEN / f"{exported.source.name}.npz")
    assert min(nearest) >= 0.9999
