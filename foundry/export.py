"""Turns a trained open_clip model into a bundle: two ONNX graphs with their configuration, in full precision.

Usage: ``python -m foundry.export --checkpoint .cache/foundry/demo --output .cache/foundry/demo-fp32``
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional

from foundry.clip import CLIP
from foundry.fonts import cache_folder
from foundry.tokenizer import CONTEXT_LENGTH, PAD
from foundry.train import ARCHITECTURE, MEAN, STD

OPSET = 17
TOLERANCE = 1e-4  # largest difference allowed between torch and ONNX Runtime, in a unit vector's component
ORIGIN = {
    "data": "scenes drawn by foundry/ from Noto Color Emoji (SIL Open Font License 1.1), captioned with "
    "names and keywords from Unicode CLDR (Unicode License)",
    "license": "MIT",
}


class _Visual(nn.Module):
    def __init__(self, model: CLIP) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return functional.normalize(self.model.encode_image(image), dim=-1)


class _Textual(nn.Module):
    def __init__(self, model: CLIP) -> None:
        super().__init__()
        self.model = model

    def forward(self, text: Tensor) -> Tensor:
        return functional.normalize(self.model.encode_text(text), dim=-1)


def _export(module: nn.Module, example: Tensor, name: str, file: Path) -> None:
    """Write one half as ONNX; make sure that it computes what torch does, for another batch size too."""
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        module,
        (example,),
        str(file),
        input_names=[name],
        output_names=["embedding"],
        dynamic_axes={name: {0: "batch"}, "embedding": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    several = torch.cat([example, example.flip(0), example])
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    result = session.run(None, {name: several.numpy()})[0]
    difference = float(np.abs(result - module(several).detach().numpy()).max())
    print(f"{file}: largest difference from torch {difference:.1e}")
    if difference > TOLERANCE:
        raise ValueError(f"{file} differs from torch by {difference:.1e}, more than {TOLERANCE:.0e}")


def _write_json(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_bundle(model: CLIP, tokenizer_file: Path, facts: dict[str, object], output: Path) -> None:
    """Write a bundle.

    Parameters
    ----------
    model
        The trained demo model.
    tokenizer_file
        Its ``tokenizer.json``.
    facts
        What to remember of its training.
    output
        Folder to write; Immich's layout of a model.

    Raises
    ------
    ValueError
        If an exported graph does not compute what torch does.
    """
    config = json.loads(ARCHITECTURE.read_text())
    size = config["vision_cfg"]["image_size"]
    generator = torch.Generator().manual_seed(0)
    _export(
        _Visual(model).eval(),
        torch.randn(2, 3, size, size, generator=generator),
        "image",
        output / "visual/model.onnx",
    )
    tokens = torch.zeros(2, CONTEXT_LENGTH, dtype=torch.int32)
    highest = config["text_cfg"]["vocab_size"] - 1
    tokens[:, :5] = torch.randint(3, highest, (2, 5), generator=generator)
    tokens[0, 5], tokens[1, 3] = highest, highest
    _export(_Textual(model).eval(), tokens, "text", output / "textual/model.onnx")
    preprocess = {"size": [size, size], "mode": "RGB", "mean": list(MEAN), "std": list(STD)}
    resize = {"interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0}
    _write_json(output / "visual/preprocess_cfg.json", preprocess | resize)
    shutil.copyfile(tokenizer_file, output / "textual/tokenizer.json")
    _write_json(
        output / "textual/tokenizer_config.json", {"pad_token": PAD, "model_max_length": CONTEXT_LENGTH}
    )
    scale = float(model.logit_scale.detach().exp())
    glimpse = {
        "name": "glimpse-demo",
        "space_id": f"glimpse-demo-{_fingerprint(output)}",
        "logit_scale": round(scale, 4),
    }
    _write_json(output / "config.json", config | {"glimpse": glimpse | ORIGIN | {"training": facts}})


def _fingerprint(output: Path) -> str:
    """Name the embedding space after everything that determines an embedding, in full precision."""
    digest = hashlib.sha256()
    for name in (
        "visual/model.onnx",
        "visual/preprocess_cfg.json",
        "textual/model.onnx",
        "textual/tokenizer.json",
    ):
        digest.update((output / name).read_bytes())
    return digest.hexdigest()[:12]


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, default=cache_folder() / "demo", help="what training left")
    parser.add_argument("--output", type=Path, default=cache_folder() / "demo-fp32")
    options = parser.parse_args()
    state = torch.load(options.checkpoint / "checkpoint.pt", weights_only=True)
    model = CLIP(**json.loads(ARCHITECTURE.read_text()))
    model.load_state_dict(
        {name[2:]: value for name, value in state["everything"].items() if name.startswith("0.")}
    )
    write_bundle(model.eval(), options.checkpoint / "tokenizer.json", state["facts"], options.output)


if __name__ == "__main__":
    main()
