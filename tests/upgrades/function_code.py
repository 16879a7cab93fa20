"""Zips of functions' code, without what makes them large: bytecode, and a model that is in the repository."""

import io
import zipfile
from pathlib import Path

MODEL = "models/demo/"
_WEIGHTS = "model.onnx"


def lightened(data: bytes) -> bytes:
    """Return a zip without bytecode and weights, and not compressed, since the archive around it is."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        kept = [name for name in source.namelist() if not name.endswith((".pyc", _WEIGHTS))]
        return _zip({name: source.read(name) for name in kept})


def completed(data: bytes, model: Path) -> bytes:
    """Return a zip with the weights of the demo model, which lies in `model`, if it has the rest of it."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        files = {name: source.read(name) for name in source.namelist()}
    halves = {name.split("/")[2] for name in files if name.startswith(MODEL) and name.count("/") == 3}
    weights = {f"{MODEL}{half}/{_WEIGHTS}": (model / half / _WEIGHTS).read_bytes() for half in halves}
    return _zip(files | weights)


def _zip(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as target:
        for name, content in files.items():
            target.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()
