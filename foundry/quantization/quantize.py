"""Makes a bundle smaller and faster: products in 8 bits, or weights stored in fewer bits.

``SCHEMES`` are the ways to do it, from the fastest to the finest. Which of them a model bears depends on its
weights, so ``foundry.quantization.fitting`` goes through them until one passes the parity check.

Matrix products are quantized dynamically: weights are int8, and the activations' scale is taken from each
input as the model runs, so that no calibration is needed. Weights use 7 of the 8 bits: on processors without
VNNI the products of full 8-bit numbers saturate, and embeddings would depend on the machine. Convolutions
compute in float32 whatever the scheme, since 8-bit ones are slower than those on a CPU; their weights are
stored in 8 bits.

Usage: ``python -m foundry.quantization.quantize --source .cache/foundry/demo-fp32 --output models/demo
--scheme int8-weights``
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import onnx
from glimpse.encoder import Bundle
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from foundry.drawing.fonts import cache_folder
from foundry.quantization import graphs
from foundry.quantization.compact import SMALLEST, shrink_tables, store_fp16, store_int8

END = 1 / 12  # the share of the products that is a block of a ViT-B, and that "first and last blocks" means


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to store and compute a model.

    Attributes
    ----------
    name
        How configurations and tables call it.
    products
        Whether matrix products are of 8-bit numbers.
    per_channel
        Whether each output channel of a product has a scale of its own.
    ends_exact
        Whether the first and the last twelfth of the products, and all convolutions, stay in float32.
    storage
        What other large weights are stored as: ``float32``, ``float16`` or ``int8``.
    """

    name: str
    products: bool = False
    per_channel: bool = False
    ends_exact: bool = False
    storage: str = "float32"


FP32 = Scheme("fp32")
SCHEMES: tuple[Scheme, ...] = (
    Scheme("int8", products=True, storage="int8"),
    Scheme("int8-per-channel", products=True, per_channel=True, storage="int8"),
    Scheme("int8-edges", products=True, per_channel=True, ends_exact=True),
    FP32,
)
"""From the fastest to the finest: what an installation goes through."""

INT8_WEIGHTS = Scheme("int8-weights", storage="int8")
FP16 = Scheme("fp16", storage="float16")
SMALLER: tuple[Scheme, ...] = (INT8_WEIGHTS, FP16)
"""Smaller files that compute in float32."""


def named(name: str) -> Scheme:
    """Return the scheme of a name.

    Raises
    ------
    ValueError
        If there is none.
    """
    schemes = {scheme.name: scheme for scheme in SCHEMES + SMALLER}
    if name not in schemes:
        raise ValueError(f"There is no scheme {name!r}; use one of {', '.join(schemes)}")
    return schemes[name]


def joint_name(visual: Scheme, textual: Scheme) -> str:
    """Name what is done to a whole bundle: one scheme, or the images' and the texts' where they differ."""
    return visual.name if visual == textual else f"{visual.name} for images, {textual.name} for texts"


def quantize_bundle(source: Path, output: Path, scheme: Scheme, textual: Scheme | None = None) -> int:
    """Write a bundle anew by a scheme.

    Parameters
    ----------
    source
        Folder of a bundle in full precision.
    output
        Folder to write; another one. Files of it that the bundle does not have are left alone.
    scheme
        One of ``SCHEMES`` or ``SMALLER``.
    textual
        The scheme of the textual half, where it is another.

    Returns
    -------
    int
        Size of what was written, in bytes.

    Raises
    ------
    glimpse.encoder.BundleError
        If the source is not a bundle.
    ValueError
        If the output is the source, the source is quantized, or a weight can't be stored by the scheme.
    """
    bundle = Bundle.load(source)
    glimpse = bundle.config.get("glimpse") or {}
    if output.resolve() == source.resolve():
        raise ValueError(f"{output} is the source itself; write the bundle into another folder")
    if glimpse.get("scheme", FP32.name) != FP32.name:
        raise ValueError(f"{source} is quantized already ({glimpse['scheme']}); start from full precision")
    written = {source / "config.json"}
    halves = {"visual": scheme, "textual": textual or scheme}
    for half, its_scheme in halves.items():
        file = source / half / "model.onnx"
        if file.is_file() and its_scheme != FP32:
            written |= {file, *graphs.external_files(file)}
            graphs.save(quantize_model(graphs.load(file), its_scheme), output / half / "model.onnx")
    for file in set(bundle.files()) - written:
        target = output / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    taken = joint_name(halves["visual"], halves["textual"])
    names = {"name": bundle.name, "space_id": bundle.space_id, "scheme": taken}
    kept = {key: value for key, value in glimpse.items() if key != "parity"}
    write_json(output / "config.json", bundle.config | {"glimpse": kept | names})
    return sum(file.stat().st_size for file in Bundle.load(output).files())


def write_json(file: Path, content: dict[str, object]) -> None:
    """Write a configuration file as people read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def quantize_model(model: onnx.ModelProto, scheme: Scheme) -> onnx.ModelProto:
    """Turn one half of a bundle into what a scheme makes of it.

    Parameters
    ----------
    model
        In float32, as ``graphs.load`` reads it; may be changed in place.
    scheme
        The scheme.

    Returns
    -------
    onnx.ModelProto
        The model to store.
    """
    if scheme.storage == "float16":
        return store_fp16(model)
    if scheme.storage == "int8" or scheme.products:
        model = shrink_tables(model)
    if scheme.products:
        model = _quantize_products(model, scheme)
    return store_int8(model) if scheme.storage == "int8" else model


def _quantize_products(model: onnx.ModelProto, scheme: Scheme) -> onnx.ModelProto:
    whole = ONNXModel(model)
    whole.replace_gemm_with_matmul()  # here, so that the products have the names that they keep
    products = _products(whole.model.graph, keep_ends=scheme.ends_exact)
    if not products:
        return model
    add_pre_process_metadata(whole.model)  # graphs are exported simplified; says so to quantize_dynamic
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        quantize_dynamic(
            whole.model,
            file,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=products,
            per_channel=scheme.per_channel,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=graphs.weights_size(whole.model) >= graphs.LARGEST_FILE,
        )
        quantized: onnx.ModelProto = onnx.load(file)
    return quantized


def _products(graph: onnx.GraphProto, *, keep_ends: bool) -> list[str]:
    """Return the names of the products with large constant weights, in the order of the graph."""
    weights = graphs.float_weights(graph)
    names = []
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            dims = weights[node.input[1]].dims
            if len(dims) == 2 and math.prod(dims) >= SMALLEST:
                names.append(node.name)
    end = math.ceil(len(names) * END) if keep_ends else 0
    return names[end : len(names) - end]


def main() -> None:
    """Parse the command line and quantize."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, default=cache_folder() / "demo-fp32")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--scheme", default=SCHEMES[0].name, help="see SCHEMES and SMALLER")
    options = parser.parse_args()
    size = quantize_bundle(options.source, options.output, named(options.scheme))
    print(f"{options.output}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
