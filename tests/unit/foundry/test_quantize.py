"""Eight bits are near to the weights, and the graph still computes the same."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is needed by the foundry only")
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from foundry.quantize import quantize_weights, to_int8


@given(st.integers(0, 2**32), st.integers(0, 1))
def test_rounding_errs_by_half_a_step_at_most(seed: int, axis: int) -> None:
    """Per slice, the error is bounded by half of its scale."""
    weight = np.random.default_rng(seed).normal(size=(6, 9)).astype(np.float32)
    values, scales = to_int8(weight, axis)
    wide = scales.reshape((-1, 1) if axis == 0 else (1, -1))
    assert values.dtype == np.int8
    assert np.all(np.abs(values * wide - weight) <= wide / 2 + 1e-7)


def test_a_graph_keeps_computing_the_same() -> None:
    """Lookup, product and transposed product, against the graph in full precision."""
    ort = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(4)
    table, product, dense = (rng.normal(size=(64, 64)).astype(np.float32) for _ in range(3))
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["looked"]),
            helper.make_node("MatMul", ["looked", "product"], ["hidden"]),
            helper.make_node("Gemm", ["hidden", "dense"], ["out"], transB=1),
        ],
        "test",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["n"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 64])],
        [
            numpy_helper.from_array(w, n)
            for w, n in ((table, "table"), (product, "product"), (dense, "dense"))
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    before = model.SerializeToString()
    after = quantize_weights(model).SerializeToString()
    assert len(after) < 0.4 * len(before)
    ids = {"ids": np.arange(8, dtype=np.int32)}
    first, second = (ort.InferenceSession(data).run(None, ids)[0] for data in (before, after))
    cosine = (first * second).sum(1) / (np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1))
    assert cosine.min() > 0.999
