"""Weights stored in fewer bits, computed with as before.

*8 bits*: each large weight is stored as int8 with one scale per output channel, and a ``Cast`` and a ``Mul``
in front of its user; ``DequantizeLinear`` would say the same, but ONNX Runtime computes it at every run. *16
bits*: as float16 with a ``Cast``. Either is computed once, when ONNX Runtime loads the model and folds what
is constant: the file gets smaller, and nothing gets slower. *Embedding tables* keep one scale per row and are
looked up as int8: only the rows of a text become float32, and the table takes a quarter of the memory as
well.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from foundry.quantization.graphs import float_weights, replace_weight, users

SMALLEST = 2048  # weights with fewer elements stay as they are: biases, norms, small position tables
_AXES = {"Conv": 0, "Gemm": 1, "MatMul": -1}  # of the second operand: along which the scales differ


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
    others = tuple(i for i in range(weight.ndim) if i != axis % weight.ndim)
    scales = np.maximum(np.abs(weight).max(axis=others), 1e-12).astype(np.float32) / 127
    shape = [-1 if i == axis % weight.ndim else 1 for i in range(weight.ndim)]
    values = np.clip(np.rint(weight / scales.reshape(shape)), -127, 127).astype(np.int8)
    return values, scales


def store_int8(model: onnx.ModelProto, operators: tuple[str, ...] = tuple(_AXES)) -> onnx.ModelProto:
    """Store the large weights of some kinds of operators as int8.

    Parameters
    ----------
    model
        An ONNX model of opset 13 or later; changed in place.
    operators
        Which of Conv, Gemm and MatMul.

    Returns
    -------
    onnx.ModelProto
        The same model.
    """
    graph, weights = model.graph, float_weights(model.graph)
    axes: dict[str, int] = {}
    for node in graph.node:
        if node.op_type in operators and node.input[1] in weights:
            # Gemm keeps its output channels first if it transposes the weight.
            turned = any(a.name == "transB" and a.i for a in node.attribute)
            axes[node.input[1]] = 0 if turned else _AXES[node.op_type] % len(weights[node.input[1]].dims)
    for name, axis in axes.items():
        weight = numpy_helper.to_array(weights[name])
        if weight.size < SMALLEST:
            continue
        values, scales = to_int8(weight, axis)
        wide = scales.reshape([-1 if i == axis else 1 for i in range(weight.ndim)])
        replace_weight(graph, weights[name], {f"{name}_int8": values, f"{name}_scale": wide})
        product = helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [name], f"{name}_product")
        graph.node.insert(0, product)
        graph.node.insert(0, _to_float(f"{name}_int8", f"{name}_float"))
    return model


def store_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the large weights as float16.

    Parameters
    ----------
    model
        Changed in place.

    Returns
    -------
    onnx.ModelProto
        The same model.

    Raises
    ------
    ValueError
        If a weight is beyond the range of float16.
    """
    graph = model.graph
    for name, tensor in float_weights(graph).items():
        weight = numpy_helper.to_array(tensor)
        if weight.size < SMALLEST:
            continue
        if np.abs(weight).max() > np.finfo(np.float16).max:
            raise ValueError(f"The weight {name} has values beyond the range of float16")
        replace_weight(graph, tensor, {f"{name}_fp16": weight.astype(np.float16)})
        graph.node.insert(0, _to_float(f"{name}_fp16", name))
    return model


def _to_float(given: str, output: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [given], [output], f"{output}_cast", to=onnx.TensorProto.FLOAT)


def shrink_tables(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep embedding tables as int8 in memory too, with a scale for each row.

    Parameters
    ----------
    model
        Changed in place.

    Returns
    -------
    onnx.ModelProto
        The same model.
    """
    graph, readers = model.graph, users(model.graph)
    weights = float_weights(graph)
    for node in [n for n in graph.node if n.op_type == "Gather"]:
        name = node.input[0]
        across = any(a.name == "axis" and a.i != 0 for a in node.attribute)
        if name not in weights or readers[name] > 1 or across or len(weights[name].dims) != 2:
            continue
        table = numpy_helper.to_array(weights[name])
        if table.size < SMALLEST:
            continue
        values, scales = to_int8(table, 0)
        replace_weight(graph, weights[name], {f"{name}_int8": values, f"{name}_scale": scales[:, None]})
        _look_up(graph, node)
    return model


def _look_up(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Replace a lookup by those of the row's numbers and of its scale, and their product."""
    name, rows, output = node.input[0], node.input[1], node.output[0]
    place = list(graph.node).index(node)
    graph.node.remove(node)
    parts = (
        helper.make_node("Gather", [f"{name}_int8", rows], [f"{output}_row"], f"{node.name}_values"),
        helper.make_node("Gather", [f"{name}_scale", rows], [f"{output}_row_scale"], f"{node.name}_scale"),
        _to_float(f"{output}_row", f"{output}_row_float"),
        helper.make_node(
            "Mul", [f"{output}_row_float", f"{output}_row_scale"], [output], f"{node.name}_product"
        ),
    )
    for offset, part in enumerate(parts):
        graph.node.insert(place + offset, part)
