"""Writes bundles of a few hundred bytes, whose embeddings can be worked out by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SIZE = 8
DIMENSION = 6
CONTEXT_LENGTH = 5
VOCABULARY = {"<pad>": 0, "<start>": 1, "<end>": 2, "<unk>": 3, "a": 4, "red": 5, "cat": 6, "dog": 7}


def projection(rows: int, seed: int = 0) -> np.ndarray:
    """The weights that both halves multiply by: (rows, DIMENSION)."""
    return np.random.default_rng(seed).normal(size=(rows, DIMENSION)).astype(np.float32)


def write_bundle(
    root: Path,
    *,
    batch: int | str = "batch",
    halves: tuple[str, ...] = ("visual", "textual"),
    space_id: str | None = "tiny-1",
    quantized: bool = False,
    name: str = "Tiny",
    seed: int = 0,
) -> Path:
    """Write a whole bundle and return its folder; another seed makes another embedding space."""
    config: dict[str, Any] = {
        "embed_dim": DIMENSION,
        "vision_cfg": {"image_size": SIZE},
        "text_cfg": {"context_length": CONTEXT_LENGTH, "vocab_size": len(VOCABULARY)},
    }
    if space_id:
        config["glimpse"] = {"space_id": space_id, "name": name}
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.json").write_text(json.dumps(config))
    if "visual" in halves:
        _write_visual(root / "visual", batch, quantized, seed)
    if "textual" in halves:
        _write_textual(root / "textual", batch, seed)
    return root


def _write_visual(folder: Path, batch: int | str, quantized: bool, seed: int) -> None:
    """Write a model that pools the picture to 2 x 2 cells and projects the 12 numbers."""
    folder.mkdir()
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Flatten", ["cells"], ["flat"]),
    ]
    if quantized:  # the scale of the whole batch decides how a row is rounded
        nodes += [
            helper.make_node("DynamicQuantizeLinear", ["flat"], ["q", "scale", "zero"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["rounded"]),
        ]
    nodes.append(helper.make_node("MatMul", ["rounded" if quantized else "flat", "weights"], ["embedding"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, SIZE, SIZE])
    _save(folder / "model.onnx", nodes, image, projection(12, seed), batch)
    (folder / "preprocess_cfg.json").write_text(
        json.dumps({"size": [SIZE, SIZE], "mode": "RGB", "mean": [0.5] * 3, "std": [0.25] * 3})
    )


def _write_textual(folder: Path, batch: int | str, seed: int) -> None:
    """Write a model that averages the tokens' rows of the projection."""
    folder.mkdir()
    nodes = [
        helper.make_node("Gather", ["weights", "text"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["embedding"], axes=[1], keepdims=0),
    ]
    text = helper.make_tensor_value_info("text", TensorProto.INT32, [batch, CONTEXT_LENGTH])
    _save(folder / "model.onnx", nodes, text, projection(len(VOCABULARY), seed + 1), batch)
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 1), ("<end>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>"}))


def _save(path: Path, nodes: list[Any], model_input: Any, weights: np.ndarray, batch: int | str) -> None:
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, DIMENSION])
    graph = helper.make_graph(
        nodes, "tiny", [model_input], [output], [numpy_helper.from_array(weights, "weights")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
