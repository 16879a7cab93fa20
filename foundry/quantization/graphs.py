"""Reading, changing and writing ONNX graphs, whatever their size."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.external_data_helper import uses_external_data

LARGEST_FILE = (1 << 31) - (
    1 << 24
)  # bytes; protobuf ends at 2 GiB, and the graph needs room beside the weights
EXTERNAL = "model.onnx.data"


def external_files(path: Path) -> set[Path]:
    """Return the files beside a model that hold weights of it.

    Parameters
    ----------
    path
        A ``model.onnx``.

    Returns
    -------
    set of Path
        Empty if the model holds all of its weights itself.
    """
    model = onnx.load(path, load_external_data=False)
    tensors = [t for t in model.graph.initializer if uses_external_data(t)]
    for node in model.graph.node:
        tensors += [a.t for a in node.attribute if a.HasField("t") and uses_external_data(a.t)]
    places = {entry.value for t in tensors for entry in t.external_data if entry.key == "location"}
    return {path.parent / place for place in places}


def load(path: Path) -> onnx.ModelProto:
    """Read a model with all of its weights; give every node a name of its own.

    Parameters
    ----------
    path
        A ``model.onnx``, its weights inside or beside it.

    Returns
    -------
    onnx.ModelProto
        Constants of the graph are initializers.
    """
    model = onnx.load(path)
    _name_constants(model.graph)
    counts = Counter(node.name for node in model.graph.node)
    for number, node in enumerate(model.graph.node):
        if not node.name or counts[node.name] > 1:
            node.name = f"{node.op_type}_{number}_{node.name}"
    return model


def _name_constants(graph: onnx.GraphProto) -> None:
    """Turn constant nodes into initializers, which is where weights are looked for."""
    constants = [n for n in graph.node if n.op_type == "Constant" and n.attribute[0].name == "value"]
    for node in constants:
        tensor = graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.node.remove(node)


def save(model: onnx.ModelProto, path: Path) -> None:
    """Write a model; weights go into a file beside it only where one file can't hold them.

    Parameters
    ----------
    model
        The model.
    path
        Its ``model.onnx``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / EXTERNAL).unlink(missing_ok=True)
    if weights_size(model) < LARGEST_FILE:
        onnx.save(model, path)
    else:
        onnx.save(model, path, save_as_external_data=True, location=EXTERNAL, size_threshold=1024)


def weights_size(model: onnx.ModelProto) -> int:
    """Return the size of a model's initializers in bytes."""
    size = 0
    for tensor in model.graph.initializer:
        width = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
        size += int(np.prod(tensor.dims, dtype=np.int64)) * width
    return size


def float_weights(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Return a graph's float32 initializers by name."""
    return {t.name: t for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT}


def users(graph: onnx.GraphProto) -> Counter[str]:
    """Count, for each value of a graph, how often nodes read it."""
    return Counter(name for node in graph.node for name in node.input)


def replace_weight(graph: onnx.GraphProto, old: onnx.TensorProto, new: dict[str, np.ndarray]) -> None:
    """Put other initializers in the place of one.

    Parameters
    ----------
    graph
        Changed in place.
    old
        One of its initializers.
    new
        Values by name.
    """
    graph.initializer.remove(old)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in new.items())
