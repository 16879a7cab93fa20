"""Embeds texts with the textual half of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from glimpse.encoder.bundle import Bundle, BundleError, read_json_object
from glimpse.encoder.cleaning import clean
from glimpse.encoder.session import OnnxSession


class TextEncoder:
    """Embeds texts.

    Parameters
    ----------
    bundle
        A bundle with a textual half.
    threads
        Threads of one run of the model.

    Raises
    ------
    BundleError
        If the half is absent, or its files are inconsistent.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        path = bundle.model_path("textual")
        self.bundle = bundle
        self._session = OnnxSession(path, threads=threads, dimension=bundle.dimension)
        self._tokenizer = _load_tokenizer(path.parent, bundle.context_length)
        text_cfg = bundle.config.get("text_cfg") or {}
        self._canonicalize = (text_cfg.get("tokenizer_kwargs") or {}).get("clean") == "canonicalize"
        names = set(self._session.inputs) - {"attention_mask"}
        if len(names) != 1:
            raise BundleError(f"{path} has inputs {', '.join(self._session.inputs)}; expected: text")
        self._input = names.pop()
        self._types = {name: self._session.dtype(name) for name in self._session.inputs}

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Parameters
        ----------
        texts
            The texts; each is truncated to the context length.

        Returns
        -------
        numpy.ndarray
            Shape (n, D), float32, unit vectors, in the order of ``texts``.
        """
        if not texts:
            return np.empty((0, self.bundle.dimension), np.float32)
        return self._session.embed(self.tokenize(texts))

    def tokenize(self, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return the model's inputs for texts: integer arrays of shape (n, L), by input name."""
        encodings = self._tokenizer.encode_batch(
            [clean(text, canonicalize=self._canonicalize) for text in texts]
        )
        feed: dict[str, NDArray[Any]] = {
            self._input: np.array([encoding.ids for encoding in encodings], self._types[self._input])
        }
        if "attention_mask" in self._types:
            feed["attention_mask"] = np.array(
                [encoding.attention_mask for encoding in encodings], self._types["attention_mask"]
            )
        return feed


def _load_tokenizer(folder: Path, context_length: int) -> Tokenizer:
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleError(f"tokenizers can't load {path}: {error}") from error
    padding = tokenizer.padding or _declared_padding(tokenizer, folder)
    tokenizer.enable_padding(
        direction=padding.get("direction", "right"),
        pad_id=padding["pad_id"],
        pad_token=padding["pad_token"],
        length=context_length,
    )
    tokenizer.enable_truncation(max_length=context_length)
    return tokenizer


def _declared_padding(tokenizer: Tokenizer, folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    token = read_json_object(path).get("pad_token")
    if isinstance(token, dict):  # transformers writes added tokens as objects
        token = token.get("content")
    pad_id = tokenizer.token_to_id(token) if isinstance(token, str) else None
    if pad_id is None:
        raise BundleError(
            f"{path}: pad_token {token!r} is not in the vocabulary, and tokenizer.json configures no padding"
        )
    return {"pad_id": pad_id, "pad_token": token}
