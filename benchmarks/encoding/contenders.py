"""Three ways to embed photographs and texts with one model, each as its users run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from glimpse.encoder import Bundle, TextEncoder, VisualEncoder
from glimpse.encoder.preprocess import Preprocessing
from numpy.typing import NDArray
from PIL import Image

from functions.embed.services.embedding.preparing import Prepared, Preparer, Source
from functions.embed.storage.objects import StoredFile

THREADS = 2  # of each: a Lambda function's vCPUs at 3.5 GB

Vectors = NDArray[np.float32]


class Contender(Protocol):
    """Embeds files and texts."""

    name: str

    def images(self, files: Sequence[bytes]) -> Vectors:
        """Return unit vectors (n, D) of JPEG files."""

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors (n, D) of texts, embedded one by one as queries come."""


class OpenClip:
    """open_clip on torch, as its documentation shows it.

    Parameters
    ----------
    model, preprocess, tokenizer
        What open_clip makes: the model in evaluation mode, its evaluation transform, and its tokenizer.
    batch
        Photographs in one run.
    """

    def __init__(self, model: Any, preprocess: Any, tokenizer: Any, batch: int) -> None:  # noqa: ANN401
        import torch

        torch.set_num_threads(THREADS)
        self.name = "open_clip + torch" + (f", {batch} at once" if batch > 1 else "")
        self._torch = torch
        self._model, self._preprocess, self._tokenizer = model, preprocess, tokenizer
        self._batch = batch

    def images(self, files: Sequence[bytes]) -> Vectors:
        """Decode and preprocess with open_clip's transform, then run the visual tower."""
        rows = []
        with self._torch.inference_mode():
            for start in range(0, len(files), self._batch):
                pictures = [Image.open(BytesIO(data)) for data in files[start : start + self._batch]]
                pixels = self._torch.stack([self._preprocess(picture) for picture in pictures])
                rows.append(self._model.encode_image(pixels, normalize=True).numpy())
        return np.concatenate(rows)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Tokenise and run the text tower."""
        with self._torch.inference_mode():
            rows = [
                self._model.encode_text(self._tokenizer([text]), normalize=True).numpy() for text in texts
            ]
        return np.concatenate(rows)


class FullDecoding:
    """onnxruntime in float32 with its default options, and Pillow decoding every pixel: Immich's way.

    Parameters
    ----------
    folder
        The bundle in full precision.
    batch
        Photographs in one run; Immich takes one.
    """

    def __init__(self, folder: Path, batch: int) -> None:
        bundle = Bundle.load(folder)
        self.name = "onnxruntime fp32" + (f", {batch} at once" if batch > 1 else "")
        self._batch = batch
        self._preprocess = Preprocessing.load(folder / "visual" / "preprocess_cfg.json")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        self._visual = onnxruntime.InferenceSession(str(bundle.model_path("visual")), options)
        self._textual = onnxruntime.InferenceSession(str(bundle.model_path("textual")), options)
        self._tokenize: Callable[[Sequence[str]], dict[str, Any]] = TextEncoder(bundle).tokenize

    def images(self, files: Sequence[bytes]) -> Vectors:
        """Decode, preprocess and run, one step after another."""
        rows = []
        name = self._visual.get_inputs()[0].name
        for start in range(0, len(files), self._batch):
            pictures = [Image.open(BytesIO(data)) for data in files[start : start + self._batch]]
            pixels = np.stack([self._preprocess(picture.convert("RGB")) for picture in pictures])
            rows.append(self._visual.run(None, {name: pixels})[0])
        return _unit(np.concatenate(rows))

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Tokenise and run."""
        return _unit(np.concatenate([self._textual.run(None, self._tokenize([text]))[0] for text in texts]))


class Glimpse:
    """The services of embed and search, with the photographs in memory for a bucket.

    Parameters
    ----------
    folder
        A bundle.
    scheme
        Its name in the table.
    """

    def __init__(self, folder: Path, scheme: str) -> None:
        bundle = Bundle.load(folder)
        self.name = f"Glimpse, {scheme}"
        self._space = bundle.space_id
        self._textual = TextEncoder(bundle, threads=THREADS)
        self._objects = Memory()
        # One thread each, and two workers, as in the function.
        self._encoders = {self._space: VisualEncoder(bundle, threads=1)}
        self._preparer = Preparer(self._objects, THREADS)

    def images(self, files: Sequence[bytes]) -> Vectors:
        """Take the files through the function's own pipeline, without thumbnails."""
        self._objects.files = {str(place): data for place, data in enumerate(files)}
        rows = []
        sources = [Source(key) for key in self._objects.files]
        for preparation in self._preparer.prepare(sources, self._encoders):
            if not isinstance(preparation, Prepared):
                raise TypeError(f"a photograph was not embedded: {preparation}")
            rows.append(preparation.vectors[self._space])
        return np.stack(rows)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Embed as the search function does."""
        return np.concatenate([self._textual.embed_texts([text]) for text in texts])


class Memory:
    """The images bucket, of files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, key: str) -> StoredFile | None:
        """Return a file."""
        return StoredFile(self.files[key], f'"{key}"') if key in self.files else None

    def etag(self, key: str) -> str | None:
        """Return a file's tag."""
        return f'"{key}"' if key in self.files else None

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Refuse: nothing is measured that writes."""
        raise RuntimeError(
            f"{key} ({content_type}, {len(data)} bytes) is not kept: nothing is measured that writes"
        )

    def delete(self, keys: Sequence[str]) -> None:
        """Forget files."""
        for key in keys:
            self.files.pop(key, None)

    def pages(self, prefix: str) -> Any:  # noqa: ANN401 - an iterator of lists of keys
        """Yield the keys."""
        yield [key for key in self.files if key.startswith(prefix)]


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
