"""Makes a bundle four times smaller: weights as 8-bit integers, computation as before.

Every large weight is stored as int8 with one scale per output channel (or per word, for the embedding
table) and a ``DequantizeLinear`` node in front of its user, which ONNX Runtime folds away when it loads the
model. Activations stay in full precision: scales for them, measured as the model runs, would be shared by
all images of a batch, and an image's vector would depend on the company it was embedded in.

Usage: ``python -m foundry.quantize --source .cache/foundry/demo-fp32 --output models/demo``
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from foundry.fonts import cache_folder

SMALLEST = 2048  # weights with fewer elements stay as they are: biases, norms, the position table
_AXES = {"Conv": (1, 0), "Gemm": (1, None), "MatMul": (1, 1), "Gather": (0, 0)}  # operand, axis of the scales


def to_int8(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Round a weight to 8 bits, symmetrically, with a scale for each slice along an axis.

    Parameters
    ----------
    weight
        float32.
    axis
        The axis that scales differ along.

    Returns
    -------
    tuple of numpy.ndarray
        int8 values of the same shape, and float32 scales; their product is nearest to the weight.
    """
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scales = np.maximum(np.abs(weight).max(axis=others), 1e-12).astype(np.float32) / 127
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    values = np.clip(np.rint(weight / scales.reshape(shape)), -127, 127).astype(np.int8)
    return values, scales


def _axis_of(node: onnx.NodeProto, rank: int) -> tuple[int, int]:
    operand, axis = _AXES[node.op_type]
    if axis is None:  # Gemm keeps its output channels first if it transposes the weight
        axis = 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
    return operand, rank - 1 if node.op_type == "MatMul" else axis


def quantize_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store a model's large weights as int8.

    Parameters
    ----------
    model
        An ONNX model of opset 13 or later; changed in place.

    Returns
    -------
    onnx.ModelProto
        The same model.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    axes: dict[str, int] = {}
    for node in graph.node:
        if node.op_type in _AXES:
            operand, axis = _axis_of(node, 0)
            name = node.input[operand]
            if name in weights and weights[name].data_type == onnx.TensorProto.FLOAT:
                axes[name] = _axis_of(node, len(weights[name].dims))[1] if node.op_type == "MatMul" else axis
    for name, axis in axes.items():
        weight = numpy_helper.to_array(weights[name])
        if weight.size < SMALLEST:
            continue
        values, scales = to_int8(weight, axis)
        graph.initializer.remove(weights[name])
        graph.initializer.append(numpy_helper.from_array(values, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}_scale"))
        inputs = [f"{name}_int8", f"{name}_scale"]
        graph.node.insert(0, helper.make_node("DequantizeLinear", inputs, [name], axis=axis))
    onnx.checker.check_model(model)
    return model


def quantize_bundle(source: Path, output: Path) -> int:
    """Write an 8-bit copy of a bundle.

    Parameters
    ----------
    source, output
        Folders; other files of the output folder are left alone.

    Returns
    -------
    int
        Size of what was written, in bytes.
    """
    written = 0
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        target = output / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".onnx":
            onnx.save(quantize_weights(onnx.load(file)), target)
        else:
            shutil.copyfile(file, target)
        written += target.stat().st_size
    return written


def main() -> None:
    """Parse the command line and quantize."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, default=cache_folder() / "demo-fp32")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    print(f"{options.output}: {quantize_bundle(options.source, options.output) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
