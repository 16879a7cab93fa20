"""Turns an open_clip model into a bundle: two ONNX graphs with their configuration, in full precision.

Usage::

    python -m foundry.conversion.export --model ViT-B-32 --pretrained laion2b_s34b_b79k --output …
    python -m foundry.conversion.export --model ViT-B-32-quickgelu --pretrained my-weights.pt --output …
    # a folder with open_clip_config.json, weights and tokenizer:
    python -m foundry.conversion.export --model local-dir:folder --output …
    python -m foundry.conversion.export --demo .cache/foundry/demo --output .cache/foundry/demo-fp32

The bundle is kept only if it embeds sample photographs and texts as torch does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from glimpse.encoder import BundleError
from torch import Tensor, nn
from torch.nn import functional

from foundry.comparison import samples
from foundry.comparison.parity import Parity, embed_images, embed_texts, nearness
from foundry.conversion.sources import Source, load, load_demo, reparameterize_model
from foundry.drawing.fonts import cache_folder
from foundry.quantization import graphs
from foundry.quantization.quantize import FP32, write_json

OPSET = 17
SMALLEST_COSINE = 0.9999
ARCHITECTURES = Path(__file__).with_name("architectures")
DEMO = {
    "data": "scenes drawn by foundry/ from Noto Color Emoji (SIL Open Font License 1.1), captioned with "
    "names and keywords from Unicode CLDR (Unicode License)",
    "license": "MIT",
}
_BATCH = 16  # pictures or texts that torch embeds at once


class _Visual(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model  # open_clip's classes share method names, and no type

    def forward(self, image: Tensor) -> Tensor:
        return functional.normalize(self.model.encode_image(image), dim=-1)


class _Textual(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, text: Tensor) -> Tensor:
        return functional.normalize(self.model.encode_text(text), dim=-1)


def write_bundle(source: Source, output: Path) -> Parity:
    """Write a bundle, and compare it with torch.

    Parameters
    ----------
    source
        The model.
    output
        Folder to write; Immich's layout of a model. Must not exist, or be a bundle to replace.

    Returns
    -------
    Parity
        How near the bundle's embeddings are to torch's.

    Raises
    ------
    FileExistsError
        If the folder holds anything but a bundle: it would be lost.
    BundleError
        If they stray. Nothing is left then.
    """
    if output.exists() and not (output / "config.json").is_file():
        raise FileExistsError(f"{output} exists and is no bundle; name a folder to make")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as scratch:
        folder = Path(scratch) / "bundle"
        _write_configuration(source, folder)
        _write_graphs(source, folder)
        parity = compare_with_torch(source, folder)
        faults = parity.faults(SMALLEST_COSINE)
        if faults:
            raise BundleError(f"{source.name} does not embed as torch does: {'; '.join(faults)}")
        shutil.rmtree(output, ignore_errors=True)
        folder.rename(output)
    return parity


def _write_configuration(source: Source, folder: Path) -> None:
    preprocess = {
        key: list(value) if isinstance(value, tuple) else value for key, value in source.preprocess.items()
    }
    write_json(folder / "visual/preprocess_cfg.json", preprocess | {"size": list(source.image_size)})
    (folder / "textual").mkdir()
    source.tokenizer.save(str(folder / "textual/tokenizer.json"))
    padding = source.tokenizer.padding or {}
    facts = {"pad_token": padding["pad_token"], "model_max_length": source.context_length}
    write_json(folder / "textual/tokenizer_config.json", facts)
    glimpse: dict[str, Any] = {"name": source.name, "space_id": space_id(source, folder), "scheme": FP32.name}
    scale = getattr(source.model, "logit_scale", None)
    if scale is not None:
        glimpse["logit_scale"] = round(float(scale.detach().exp()), 4)
    write_json(folder / "config.json", source.config | {"glimpse": glimpse | source.facts})


def space_id(source: Source, folder: Path) -> str:
    """Name the embedding space after all that determines an embedding.

    Parameters
    ----------
    source
        Weights and configuration.
    folder
        Holds the tokenizer and the preprocessing as they ship.

    Returns
    -------
    str
        The model's name and a digest: equal for every export of the same weights.
    """
    digest = hashlib.sha256(json.dumps(source.config, sort_keys=True).encode())
    for file in ("visual/preprocess_cfg.json", "textual/tokenizer.json"):
        digest.update((folder / file).read_bytes())
    for name, weight in sorted(source.model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weight.detach().numpy()).data)
    return f"{re.sub(r'[^A-Za-z0-9._-]', '-', source.name)[:50]}-{digest.hexdigest()[:12]}"


@torch.no_grad()
def _write_graphs(source: Source, folder: Path) -> None:
    """Write both halves, on examples of two inputs, so that nothing takes the batch for a constant."""
    model = source.model
    if hasattr(
        getattr(model, "visual", None), "trunk"
    ):  # merges branches that only training needs (MobileCLIP)
        model = reparameterize_model(model)
    images = torch.randn(2, 3, *source.image_size, generator=torch.Generator().manual_seed(0))
    _export(_Visual(model), images, "image", folder / "visual/model.onnx")
    texts = source.tokenize(samples.TEXTS[:2]).to(torch.int32)
    _export(_Textual(model), texts, "text", folder / "textual/model.onnx")


def _export(module: nn.Module, example: Tensor, name: str, file: Path) -> None:
    """Write one half as ONNX; weights in one file, whatever torch makes of them."""
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch, warnings.catch_warnings():
        # They are of what a trace may lose; the comparison with torch says what it did lose.
        warnings.simplefilter("ignore")
        raw = Path(scratch) / "model.onnx"
        # The fused attention of inference is one operator, which ONNX does not have.
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            torch.onnx.export(
                module.eval(),
                (example,),
                str(raw),
                input_names=[name],
                output_names=["embedding"],
                dynamic_axes={name: {0: "batch"}, "embedding": {0: "batch"}},
                opset_version=OPSET,
                dynamo=False,
            )
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
        graphs.save(onnx.load(raw), file)


@torch.no_grad()
def compare_with_torch(source: Source, bundle: Path) -> Parity:
    """Embed sample pictures and texts with torch, and with a bundle by the runtime that serves it.

    Parameters
    ----------
    source
        The model.
    bundle
        Folder of its bundle, in any precision.

    Returns
    -------
    Parity
        The distances; ``batch_effect`` compares batches of different sizes.
    """
    pictures, texts = samples.pictures(), list(samples.TEXTS)
    visual, textual = _Visual(source.model).eval(), _Textual(source.model).eval()
    pixels, tokens = source.pixels(pictures).split(_BATCH), source.tokenize(texts).split(_BATCH)
    images = np.concatenate([visual(part).numpy() for part in pixels])
    read = np.concatenate([textual(part).numpy() for part in tokens])
    seen, said = embed_images(bundle, pictures), embed_texts(bundle, texts)
    few = _BATCH // 2 - 1
    effects = [np.abs(embed_images(bundle, pictures[:few]) - seen[:few]).max()]
    effects.append(np.abs(embed_texts(bundle, texts[:few]) - said[:few]).max())
    return Parity(*nearness(images, seen, read, said), float(max(effects)))


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="open_clip's name of the architecture, or a configuration file")
    parser.add_argument("--pretrained", help="open_clip's tag of the weights, or a checkpoint file")
    parser.add_argument("--seed", type=int, help="random weights instead, for tests and timings")
    parser.add_argument("--demo", type=Path, help="what demo_model.train left; the default without --model")
    parser.add_argument("--name", help="what to call the bundle")
    parser.add_argument("--output", type=Path, default=cache_folder() / "demo-fp32")
    options = parser.parse_args()
    if options.model and options.demo:
        parser.error("either --model or --demo")
    if options.model:
        source = load(options.model, options.pretrained, name=options.name, seed=options.seed)
    else:
        source = load_demo(options.demo or cache_folder() / "demo", ARCHITECTURES / "glimpse-demo.json", DEMO)
    parity = write_bundle(source, options.output)
    print(json.dumps({"bundle": str(options.output), "parity": asdict(parity)}))


if __name__ == "__main__":
    main()
