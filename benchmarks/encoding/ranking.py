"""Whether a quantized model ranks as its full precision does, on a model that was trained: the demo model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from glimpse.encoder import Bundle
from onnx import numpy_helper
from PIL import Image

from benchmarks.encoding.photographs import crops
from foundry.comparison import samples
from foundry.comparison.parity import embed_images, embed_texts
from foundry.quantization.quantize import FP32, Scheme, quantize_bundle, write_json

DEMO = Path(__file__).resolve().parents[2] / "models" / "demo"
TOP = 10
_CROPS = 140  # beside the samples: 200 pictures or so, of which a query's first ten are to be found


def overlap(reference: Path, bundle: Path) -> float:
    """Return the mean share of a query's first ten pictures that two bundles agree on."""
    pictures = samples.pictures() + crops(_CROPS)
    first, second = (_best(folder, pictures) for folder in (reference, bundle))
    shared = [len(set(a) & set(b)) / TOP for a, b in zip(first, second, strict=True)]
    return float(np.mean(shared))


def in_full_precision(source: Path, output: Path) -> Path:
    """Write a bundle whose weights are stored in 8 bits as what it computes with: those weights in float32.

    Parameters
    ----------
    source
        A bundle with weights in few bits, such as the demo model that ships.
    output
        Folder to write.

    Returns
    -------
    Path
        The output.
    """
    bundle = Bundle.load(source)
    for file in bundle.files():
        target = output / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.name == "model.onnx":
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
            options.optimized_model_filepath = str(target)  # constants are folded, and nothing is fused
            onnxruntime.InferenceSession(_dequantized(file), options)
        else:
            target.write_bytes(file.read_bytes())
    config = json.loads((source / "config.json").read_text())
    names = {"space_id": bundle.space_id, "scheme": FP32.name}
    write_json(output / "config.json", config | {"glimpse": config.get("glimpse", {}) | names})
    return output


def demo_overlap(visual: Scheme, textual: Scheme, scratch: Path) -> float:
    """Return the overlap of the demo model in 8 bits with the same weights in full precision.

    Parameters
    ----------
    visual, textual
        How to quantize the halves.
    scratch
        An empty folder to work in.
    """
    reference = in_full_precision(DEMO, scratch / "demo-fp32")
    quantize_bundle(reference, scratch / "demo", visual, textual)
    if (
        textual.products
        and b"DynamicQuantizeLinear" not in (scratch / "demo/textual/model.onnx").read_bytes()
    ):
        raise ValueError(f"nothing was quantized by {textual.name}: the overlap would say nothing")
    return overlap(reference, scratch / "demo")


def _dequantized(file: Path) -> bytes:
    """Return a model whose stored 8-bit weights are float32: onnxruntime does not fold DequantizeLinear."""
    model = onnx.load(file)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in [node for node in model.graph.node if node.op_type == "DequantizeLinear"]:
        if not set(node.input) <= set(stored):
            continue
        values, scales, *zero = (numpy_helper.to_array(stored[name]) for name in node.input)
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        if scales.ndim:
            shape = [-1 if place == axis % values.ndim else 1 for place in range(values.ndim)]
            scales, zero = scales.reshape(shape), [each.reshape(shape) for each in zero]
        exact = (values.astype(np.float32) - (zero[0].astype(np.float32) if zero else 0)) * scales
        model.graph.initializer.append(numpy_helper.from_array(exact.astype(np.float32), node.output[0]))
        model.graph.node.remove(node)
    serialized: bytes = model.SerializeToString()
    return serialized


def _best(folder: Path, pictures: list[Image.Image]) -> np.ndarray:
    scores = embed_texts(folder, samples.TEXTS) @ embed_images(folder, pictures).T
    best: np.ndarray = np.argsort(-scores, axis=1)[:, :TOP]
    return best
