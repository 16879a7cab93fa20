"""A second model without training one: the demo model with its embeddings rotated, which is another space."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from glimpse.encoder import Bundle
from onnx import helper, numpy_helper

from deployment.settings import ROOT

NAME, SPACE = "Rotated demo", "demo-rotated.1"
_SEED = 11


def rotated_bundle(target: Path) -> Bundle:
    """Write the bundle to a folder that does not exist yet."""
    shutil.copytree(ROOT / "models" / "demo", target)
    config = json.loads((target / "config.json").read_text())
    config["glimpse"] = {**config.get("glimpse", {}), "name": NAME, "space_id": SPACE}
    (target / "config.json").write_text(json.dumps(config))
    rows = np.random.default_rng(_SEED).normal(size=(config["embed_dim"], config["embed_dim"]))
    rotation = np.linalg.qr(rows)[0].astype(np.float32)
    for half in ("visual", "textual"):
        _rotate(target / half / "model.onnx", rotation)
    return Bundle.load(target)


def _rotate(path: Path, rotation: np.ndarray) -> None:
    """Multiply a model's output by a matrix: cosines within the space stay, those to the old one are lost."""
    model = onnx.load(path)
    graph, name = model.graph, model.graph.output[0].name
    for node in graph.node:
        node.output[:] = ["unrotated" if output == name else output for output in node.output]
        node.input[:] = ["unrotated" if source == name else source for source in node.input]
    graph.initializer.append(numpy_helper.from_array(rotation, "rotation"))
    graph.node.append(helper.make_node("MatMul", ["unrotated", "rotation"], [name]))
    onnx.checker.check_model(model)
    onnx.save(model, path)
