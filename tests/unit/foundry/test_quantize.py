"""Eight bits are near to the weights, and the graph still computes the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from foundry.quantization.compact import shrink_tables, store_fp16, store_int8, to_int8
from foundry.quantization.quantize import SCHEMES, SMALLER, named, quantize_model

RNG = np.random.default_rng(4)


def model() -> onnx.ModelProto:
    """Lookup, products and a transposed product: what a text tower consists of."""
    weights = {name: RNG.normal(size=(64, 64)).astype(np.float32) for name in ("table", "product", "dense")}
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["looked"], "lookup"),
        helper.make_node("MatMul", ["looked", "product"], ["hidden"], "first"),
        helper.make_node("Gemm", ["hidden", "dense"], ["out"], "last", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["n"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 64])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def outputs(model: onnx.ModelProto) -> np.ndarray:
    result: np.ndarray = onnxruntime.InferenceSession(model.SerializeToString()).run(
        None, {"ids": np.arange(8, dtype=np.int32)}
    )[0]
    return result


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    result: np.ndarray = (
        (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    )
    return result


@given(st.integers(0, 2**32), st.integers(0, 1))
def test_rounding_errs_by_half_a_step_at_most(seed: int, axis: int) -> None:
    weight = np.random.default_rng(seed).normal(size=(6, 9)).astype(np.float32)
    values, scales = to_int8(weight, axis)
    wide = scales.reshape((-1, 1) if axis == 0 else (1, -1))
    assert values.dtype == np.int8
    assert np.all(np.abs(values * wide - weight) <= wide / 2 + 1e-7)


@pytest.mark.parametrize(
    ("change", "share", "smallest"),
    [(store_int8, 0.6, 0.9999), (store_fp16, 0.6, 0.999999), (shrink_tables, 0.8, 0.9999)],
)
def test_smaller_weights_compute_the_same(change, share: float, smallest: float) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    full = model()
    before, expected = full.ByteSize(), outputs(full)
    small = change(full)
    onnx.checker.check_model(small)
    assert small.ByteSize() < share * before
    assert cosines(expected, outputs(small)).min() > smallest


@pytest.mark.parametrize("change", [store_int8, store_fp16])
def test_smaller_weights_cost_no_time_as_the_model_runs(change, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """What makes them float again is gone from the graph that onnxruntime runs."""
    expected = operators(model(), tmp_path)
    assert operators(change(model()), tmp_path) == expected


def operators(model: onnx.ModelProto, folder: Path) -> list[str]:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    return sorted(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)


@pytest.mark.parametrize("scheme", SCHEMES + SMALLER, ids=lambda scheme: scheme.name)
def test_every_scheme_computes_the_same(scheme) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    full = model()
    expected = outputs(full)
    quantized = quantize_model(full, scheme)
    assert cosines(expected, outputs(quantized)).min() > 0.99
    operators = {node.op_type for node in quantized.graph.node}
    assert ("MatMulInteger" in operators) == (scheme.products and not scheme.ends_exact)


def test_unknown_schemes_are_named() -> None:
    with pytest.raises(ValueError, match="int8-edges"):
        named("int4")
