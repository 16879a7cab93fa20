"""A bundle of which some quantization schemes spoil the embeddings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WIDTH, SIDE, LENGTH = 64, 32, 12


def write_bundle(root: Path, *, loudest: float = 1.0, loudest_in_texts: float | None = None) -> Path:
    """Write a bundle of two matrix products a half; return its folder.

    Parameters
    ----------
    root
        Folder to write.
    loudest
        Factor of one output channel's weights, and its inverse after the product. A scale that all channels
        share wipes the others out if it is large.
    loudest_in_texts
        The same for the textual half, where it is another.
    """
    config = {
        "embed_dim": WIDTH,
        "vision_cfg": {"image_size": SIDE},
        "text_cfg": {"context_length": LENGTH, "vocab_size": 512},
    }
    (root / "visual").mkdir(parents=True)
    (root / "textual").mkdir()
    (root / "config.json").write_text(json.dumps(config))
    preprocess = {"size": [SIDE, SIDE], "mode": "RGB", "mean": [0.5] * 3, "std": [0.25] * 3}
    (root / "visual/preprocess_cfg.json").write_text(json.dumps(preprocess))
    _write_visual(root / "visual/model.onnx", loudest)
    _write_textual(root / "textual/model.onnx", loudest if loudest_in_texts is None else loudest_in_texts)
    _write_tokenizer(root / "textual")
    return root


def _weights(rows: int, loudest: float, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    loud = np.ones(WIDTH, np.float32)
    loud[0] = loudest
    first, second = (random.normal(size=(n, WIDTH)).astype(np.float32) for n in (rows, WIDTH))
    return {"first": first * loud, "second": second, "quiet": 1 / loud}


def _products(source: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", [source, "first"], ["a"]),
        helper.make_node("Mul", ["a", "quiet"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "second"], ["embedding"]),
    ]


def _write_visual(file: Path, loudest: float) -> None:
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        *_products("flat"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    _save(file, nodes, image, _weights(192, loudest, 1))


def _write_textual(file: Path, loudest: float) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "text"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["pooled"], axes=[1], keepdims=0),
        *_products("pooled"),
    ]
    text = helper.make_tensor_value_info("text", TensorProto.INT32, ["batch", LENGTH])
    table = np.random.default_rng(3).normal(size=(512, WIDTH)).astype(np.float32)
    _save(file, nodes, text, _weights(WIDTH, loudest, 2) | {"table": table})


def _save(
    file: Path, nodes: list[onnx.NodeProto], model_input: onnx.ValueInfoProto, weights: dict[str, np.ndarray]
) -> None:
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "towers", [model_input], [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, file)


def _write_tokenizer(folder: Path) -> None:
    """Write a tokenizer of bytes: every text has tokens of its own."""
    vocabulary = {character: n for n, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary |= {"[PAD]": 300, "[END]": 301}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [END]", special_tokens=[("[END]", 301)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]"}))
