"""Model bundles: a bundle is a folder with one image-text model, ready to run.

The layout is that of Immich's exports, so those load too::

    config.json                  open_clip's model configuration; ours adds a section "glimpse"
    visual/model.onnx            image float32 (N, 3, S, S) -> (N, D)
    visual/preprocess_cfg.json   open_clip's preprocessing configuration
    textual/model.onnx           text int32 (N, L) -> (N, D)
    textual/tokenizer.json       the tokenizer, as the `tokenizers` library writes it
    textual/tokenizer_config.json  needed if tokenizer.json does not configure padding
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

_DEFAULT_CONTEXT_LENGTH = 77  # open_clip's default, for configurations without one
_SPACE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HALVES = {"visual": "preprocess_cfg.json", "textual": "tokenizer.json"}
"""Each half, and the file that its model.onnx needs."""


class BundleError(ValueError):
    """A folder is not a usable bundle; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class Bundle:
    """The files of one model, checked for completeness but not yet loaded into memory.

    Attributes
    ----------
    path
        The bundle's folder.
    config
        The parsed ``config.json``.
    """

    path: Path
    config: dict[str, Any] = field(repr=False)

    @classmethod
    def load(cls, path: str | Path) -> Bundle:
        """Open the bundle in a folder.

        Parameters
        ----------
        path
            A folder in the layout above. One half may be absent; a half is present if its ``model.onnx`` is.

        Raises
        ------
        BundleError
            If a file is missing, is not JSON, or has an invalid value.
        """
        root = Path(path)
        bundle = cls(root, read_json_object(root / "config.json"))
        if not (bundle.has_visual or bundle.has_textual):
            raise BundleError(
                f"{root} is not a bundle: it has neither visual/model.onnx nor textual/model.onnx"
            )
        for half, companion in _HALVES.items():
            if bundle._has(half) and not (root / half / companion).is_file():
                raise BundleError(f"{root / half / companion} is missing: the bundle is incomplete")
        bundle._check_config()
        return bundle

    @property
    def has_visual(self) -> bool:
        """Whether images can be embedded."""
        return self._has("visual")

    @property
    def has_textual(self) -> bool:
        """Whether texts can be embedded."""
        return self._has("textual")

    @property
    def name(self) -> str:
        """The model's display name: ``glimpse.name`` in the configuration, or else the folder's name."""
        return str(self._glimpse.get("name") or self.path.resolve().name)

    @property
    def dimension(self) -> int:
        """Length D of an embedding."""
        return self._positive("embed_dim", self.config.get("embed_dim"))

    @property
    def context_length(self) -> int:
        """Length L of a tokenised text, including padding."""
        text_cfg = self.config.get("text_cfg") or {}
        return self._positive(
            "text_cfg.context_length", text_cfg.get("context_length", _DEFAULT_CONTEXT_LENGTH)
        )

    @property
    def declared_space_id(self) -> str | None:
        """The ``glimpse.space_id`` of the configuration, if it has one."""
        space_id = self._glimpse.get("space_id")
        if space_id is None:
            return None
        if not isinstance(space_id, str) or not _SPACE_ID.fullmatch(space_id):
            raise BundleError(
                f"{self.path / 'config.json'}: glimpse.space_id is {space_id!r}; it becomes part of object "
                "keys, so use 1-64 letters, digits, dots, dashes and underscores"
            )
        return space_id

    @cached_property
    def space_id(self) -> str:
        """The embedding space: only vectors of bundles with the same space may share an index.

        It is declared in the configuration, or else derived from the bundle digest.

        Raises
        ------
        BundleError
            If it is not declared and a half is absent, since the digests of two halves would differ.
        """
        if self.declared_space_id is not None:
            return self.declared_space_id
        if not (self.has_visual and self.has_textual):
            raise BundleError(
                f"{self.path} holds one half of a model and does not declare its space: set "
                "glimpse.space_id in config.json to that of the whole model"
            )
        return undeclared_space_id(self.digest)

    @cached_property
    def digest(self) -> str:
        """The *bundle digest*: SHA-256 (hex) over the names and bytes of :meth:`files`."""
        return digest_of_files((name, sha256) for name, _, sha256 in self.hashed_files())

    def hashed_files(self) -> Iterator[tuple[str, int, str]]:
        """Yield name (relative, with slashes), size in bytes and SHA-256 (hex) of each of :meth:`files`."""
        for file in self.files():
            content = hashlib.sha256()
            size = 0
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    content.update(block)
                    size += len(block)
            yield file.relative_to(self.path).as_posix(), size, content.hexdigest()

    def files(self) -> Iterator[Path]:
        """Yield the configuration and all files of the halves, including weights beside model.onnx."""
        yield self.path / "config.json"
        for half in _HALVES:
            if self._has(half):
                yield from sorted(file for file in (self.path / half).iterdir() if file.is_file())

    def model_path(self, half: str) -> Path:
        """Return the ONNX file of a half.

        Parameters
        ----------
        half
            ``"visual"`` or ``"textual"``.

        Raises
        ------
        BundleError
            If the bundle does not have this half.
        """
        if not self._has(half):
            raise BundleError(f"{self.path} has no {half}/model.onnx, so it can't embed that kind of input")
        return self.path / half / "model.onnx"

    def _has(self, half: str) -> bool:
        return (self.path / half / "model.onnx").is_file()

    def _check_config(self) -> None:
        # Each property validates its value, so that an error shows now instead of at the first image.
        _ = (self.dimension, self.context_length, self.declared_space_id)

    @property
    def _glimpse(self) -> dict[str, Any]:
        section = self.config.get("glimpse") or {}
        if not isinstance(section, dict):
            raise BundleError(f"{self.path / 'config.json'}: 'glimpse' must be an object")
        return section

    def _positive(self, key: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise BundleError(
                f"{self.path / 'config.json'}: {key} is {value!r}; it must be a positive integer"
            )
        return value


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """Return the bundle digest for files given as (name, SHA-256), in the order of :meth:`Bundle.files`."""
    digest = hashlib.sha256()
    for name, sha256 in files:
        digest.update(f"{name}\0{sha256}\n".encode())
    return digest.hexdigest()


def undeclared_space_id(bundle_digest: str) -> str:
    """Return the space id of a bundle that does not declare one; no other bundle shares it."""
    return f"sha256-{bundle_digest[:16]}"


def read_json_object(path: Path) -> dict[str, Any]:
    """Parse a JSON file whose top level is an object.

    Raises
    ------
    BundleError
        If the file is missing, is not JSON in UTF-8, or its top level is not an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"{path} is missing: the bundle is incomplete") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise BundleError(f"{path} must hold a JSON object")
    return value
