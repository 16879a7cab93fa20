"""Runs one ONNX model, in batches that suit it."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from glimpse.encoder.bundle import BundleError

MAX_BATCH = 16
"""Inputs per run: on a CPU, larger batches take more memory but hardly less time per input."""


class OnnxSession:
    """An onnxruntime session on the CPU that returns unit vectors.

    Parameters
    ----------
    path
        The ``model.onnx``.
    threads
        Threads per run. The default, one per core of the machine, would oversubscribe a function's share.
    dimension
        Length of an embedding, according to the bundle.

    Raises
    ------
    BundleError
        If onnxruntime can't load the file, or its output has another dimension.
    """

    def __init__(self, path: Path, *, threads: int, dimension: int) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}; it must be at least 1")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A spinning thread would burn the CPU time that decoding the next photo needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions share no public base class
            raise BundleError(f"onnxruntime can't load {path}: {error}") from error
        self._path = path
        self._dimension = dimension
        self.inputs: dict[str, Any] = {node.name: node for node in self._session.get_inputs()}
        outputs = self._session.get_outputs()
        if len(outputs[0].shape) != 2 or (_fixed(outputs[0], 1) and outputs[0].shape[1] != dimension):
            raise BundleError(
                f"{path} has output shape {outputs[0].shape}, but config.json's embed_dim is {dimension}"
            )
        self._output = outputs[0].name
        self.batch = self._batch_size()

    def dtype(self, name: str) -> type[np.generic]:
        """Return the numpy type of an input."""
        types: dict[str, type[np.generic]] = {
            "tensor(float)": np.float32,
            "tensor(float16)": np.float16,
            "tensor(int32)": np.int32,
            "tensor(int64)": np.int64,
        }
        try:
            return types[self.inputs[name].type]
        except KeyError as error:
            raise BundleError(f"{self._path} has no input {name!r} of a supported type") from error

    def embed(self, feed: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Run the model over any number of inputs.

        Parameters
        ----------
        feed
            One array per input of the model, all with the same first axis N.

        Returns
        -------
        numpy.ndarray
            Shape (N, D), float32, each row of Euclidean length 1.

        Raises
        ------
        ArithmeticError
            If an embedding is not finite or is zero, so that it can't be normalised: the weights are damaged.
        """
        count = len(next(iter(feed.values())))
        vectors = np.empty((count, self._dimension), np.float32)
        for start in range(0, count, self.batch):
            chunk = {name: array[start : start + self.batch] for name, array in feed.items()}
            vectors[start : start + self.batch] = self._run(chunk)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(norms) & (norms > 0)):
            raise ArithmeticError(f"{self._path} returned an embedding that is zero or not finite")
        unit: NDArray[np.float32] = vectors / norms
        return unit

    def _run(self, chunk: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        count = len(next(iter(chunk.values())))
        if self._fixed_batch and count < self.batch:
            filler = self.batch - count
            chunk = {
                name: np.concatenate([a, np.repeat(a[-1:], filler, axis=0)]) for name, a in chunk.items()
            }
        output: NDArray[np.float32] = self._session.run([self._output], chunk)[0]
        return output[:count].astype(np.float32, copy=False)

    def _batch_size(self) -> int:
        first = next(iter(self.inputs.values()))
        self._fixed_batch = _fixed(first, 0)
        if self._fixed_batch:
            return int(first.shape[0])
        # Dynamic quantization derives its scale from the whole batch, so an input's embedding would depend on
        # the others. Such models get one input at a time: then a redelivered image gets the same vector
        # again.
        return 1 if _mentions(self._path, b"DynamicQuantizeLinear") else MAX_BATCH


def _fixed(node: Any, axis: int) -> bool:  # noqa: ANN401 - onnxruntime.NodeArg is not exported
    return isinstance(node.shape[axis], int)


def _mentions(path: Path, operator: bytes) -> bool:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(operator) >= 0
