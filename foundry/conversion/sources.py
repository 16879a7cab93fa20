"""Where models come from: open_clip's architectures and weights, checkpoint files, configurations of our own.

What open_clip can load is loaded by open_clip: built-in names with a pretrained tag (fetched from a hub), a
checkpoint file, or ``local-dir:`` and ``hf-hub:`` folders with a configuration, weights and a tokenizer of
their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor, nn

import foundry.conversion.torchvision_shim  # noqa: F401 - has to come before open_clip and timm

# isort: split
import open_clip
from open_clip.factory import _get_hf_config, parse_model_name  # there is no public way
from timm.utils.model import reparameterize_model

from foundry.conversion import clip_tokenizer

__all__ = ["Source", "SourceError", "load", "load_demo", "reparameterize_model"]

DEFAULT_LENGTH = 77  # open_clip's, for text towers that do not say
DEMO_PREPROCESS = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "size": 64}


class SourceError(ValueError):
    """A model can't be had; the message says what is missing."""


@dataclass(frozen=True)
class Source:
    """A model as open_clip runs it, and all that a bundle says of it.

    Attributes
    ----------
    name
        What the bundle is called.
    model
        In float32, for evaluation.
    config
        open_clip's model configuration.
    preprocess
        open_clip's preprocessing configuration.
    tokenizer
        The tokenizer to ship.
    tokenize
        What open_clip makes of texts: (n, L) integers.
    facts
        More for the configuration's section ``glimpse``: origin, licence, training.
    """

    name: str
    model: nn.Module
    config: dict[str, Any]
    preprocess: dict[str, Any]
    tokenizer: Tokenizer
    tokenize: Callable[[Sequence[str]], Tensor]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def context_length(self) -> int:
        """Length of a tokenised text."""
        return int(self.config["text_cfg"].get("context_length", DEFAULT_LENGTH))

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the model's input."""
        size = self.preprocess["size"]
        return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """Return what open_clip's own transform makes of pictures: (n, 3, H, W)."""
        cfg = open_clip.transform.PreprocessCfg(**self.preprocess)
        transform = open_clip.transform.image_transform_v2(cfg, is_train=False)
        return torch.stack([transform(image) for image in images])


def load(model: str, pretrained: str | None, *, name: str | None = None, seed: int | None = None) -> Source:
    """Load a model.

    Parameters
    ----------
    model
        A name that open_clip knows, with ``local-dir:`` or ``hf-hub:`` if it is not built in; or the path of
        a configuration file.
    pretrained
        A pretrained tag or a checkpoint file. ``None`` for a folder, which has weights of its own, and with a
        seed.
    name
        What to call the bundle; made of the two above if left out.
    seed
        Seed of random weights, for tests and timings.

    Returns
    -------
    Source
        The model.

    Raises
    ------
    SourceError
        If there is no such architecture, no weights are named, or they or the tokenizer can't be loaded.
    """
    if Path(model).suffix == ".json":
        open_clip.add_model_config(model)
        model = Path(model).stem
    schema, identifier = parse_model_name(model)
    if pretrained is None and schema is None and seed is None:
        raise SourceError(f"Name a pretrained tag or a checkpoint file for {model}, or a seed")
    if seed is not None:
        torch.manual_seed(seed)
    try:
        config = _config(schema, identifier)
        # Weights of old architectures come as pickles of tensors only; weights_only is open_clip's default.
        network = open_clip.create_model(
            model, pretrained=pretrained, require_pretrained=seed is None, pretrained_text=False
        )
        tokenize = open_clip.get_tokenizer(model)
    except (RuntimeError, OSError, ValueError) as error:
        raise SourceError(
            f"open_clip can't load {model} with {pretrained or 'weights of its own'}: {error}"
        ) from error
    tokenizer = convert_tokenizer(tokenize, int(config["text_cfg"].get("context_length", DEFAULT_LENGTH)))
    preprocess = dict(open_clip.model.get_model_preprocess_cfg(network))
    name = name or _label(identifier, pretrained if seed is None else f"seed-{seed}")
    return Source(name, network.float().eval(), config, preprocess, tokenizer, tokenize)


def load_demo(folder: Path, architecture: Path, facts: dict[str, Any]) -> Source:
    """Load what ``foundry.demo_model.train`` left.

    Parameters
    ----------
    folder
        Holds ``checkpoint.pt`` and ``tokenizer.json``.
    architecture
        The configuration that it was trained by.
    facts
        What to say of the model.

    Returns
    -------
    Source
        The demo model.
    """
    open_clip.add_model_config(str(architecture))
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    network = open_clip.create_model(architecture.stem, force_preprocess_cfg=DEMO_PREPROCESS)
    prefix = "0."  # the model is the first of the modules that are trained together
    weights = {name[len(prefix) :]: v for name, v in state["everything"].items() if name.startswith(prefix)}
    network.load_state_dict(weights)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def tokenize(texts: Sequence[str]) -> Tensor:
        return torch.tensor([encoding.ids for encoding in tokenizer.encode_batch(list(texts))])

    preprocess = dict(open_clip.model.get_model_preprocess_cfg(network))
    config = json.loads(architecture.read_text())
    facts = facts | {"training": state["facts"]}
    return Source(architecture.stem, network.float().eval(), config, preprocess, tokenizer, tokenize, facts)


def _config(schema: str | None, identifier: str) -> dict[str, Any]:
    if schema == "local-dir":
        content = json.loads((Path(identifier) / "open_clip_config.json").read_text(encoding="utf-8"))
        return dict(content["model_cfg"])
    config = _get_hf_config(identifier)["model_cfg"] if schema else open_clip.get_model_config(identifier)
    if config is None:
        raise SourceError(f"open_clip {open_clip.__version__} has no architecture {identifier}")
    return dict(config)


def _label(identifier: str, weights: str | None) -> str:
    parts = [Path(identifier).name]
    if weights is not None:
        parts.append(Path(weights).stem if Path(weights).is_file() else weights)
    return "__".join(parts)


def convert_tokenizer(tokenize: object, context_length: int) -> Tokenizer:
    """Turn open_clip's tokenizer into one of the ``tokenizers`` library that pads and cuts as it does."""
    if isinstance(tokenize, open_clip.SimpleTokenizer):
        return clip_tokenizer.convert(tokenize, context_length)
    if not isinstance(tokenize, open_clip.tokenizer.HFTokenizer):
        raise SourceError(f"There is no conversion of a {type(tokenize).__name__} into a tokenizer.json")
    fast = tokenize.tokenizer
    if (
        tokenize.tokenizer_mode
        or tokenize.strip_sep_token
        or getattr(fast, "backend_tokenizer", None) is None
    ):
        raise SourceError(
            "Tokenizers of the mode 'clips', without separator, or without a fast form can't be shipped"
        )
    tokenizer = Tokenizer.from_str(fast.backend_tokenizer.to_str())
    tokenizer.enable_truncation(context_length)
    tokenizer.enable_padding(
        direction=fast.padding_side, length=context_length, pad_id=fast.pad_token_id, pad_token=fast.pad_token
    )
    return tokenizer
