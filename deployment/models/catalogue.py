"""The models that people are likely to want, and their repositories on a hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployment.errors import UserError

OWNER = "immich-app"
"""The hub account that publishes ONNX exports of open_clip's models, one repository per model."""

DEMO = "demo"
DEFAULT = "ViT-B-32__laion2b_s34b_b79k"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


@dataclass(frozen=True, slots=True)
class Model:
    """A model and what is known of it.

    Attributes
    ----------
    name
        The name it is installed under: architecture, two underscores, weights.
    repositories
        The repositories that may hold it on a hub, in the order in which they are tried.
    purpose
        What it is good for, as a sentence without the full stop.
    languages
        The languages that it understands.
    licence
        The weights' licence, as an SPDX identifier.
    dimension
        The length of an embedding.
    download_bytes
        The approximate download size: both halves in full precision.
    """

    name: str
    repositories: tuple[str, ...]
    purpose: str = ""
    languages: str = ""
    licence: str = ""
    dimension: int | None = None
    download_bytes: int | None = None


CATALOGUE: tuple[Model, ...] = (
    Model(
        DEFAULT,
        # The hub spells the name of the weights with dashes, open_clip with underscores.
        (f"{OWNER}/ViT-B-32__laion2b-s34b-b79k", f"{OWNER}/{DEFAULT}"),
        purpose="The default: small, fast and good with photographs",
        languages="English",
        licence="MIT",
        dimension=512,
        download_bytes=610_000_000,
    ),
    Model(
        "ViT-B-32__openai",
        (f"{OWNER}/ViT-B-32__openai",),
        purpose="OpenAI's first CLIP (quickgelu): older installations made their indexes with it",
        languages="English",
        licence="MIT",
        dimension=512,
        download_bytes=610_000_000,
    ),
    Model(
        "ViT-B-16-SigLIP2__webli",
        (f"{OWNER}/ViT-B-16-SigLIP2__webli",),
        purpose="SigLIP 2: finds more than the default, but takes about three times as long per image",
        languages="English best, and 108 others",
        licence="Apache-2.0",
        dimension=768,
        download_bytes=1_540_000_000,
    ),
    Model(
        "XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k",
        (f"{OWNER}/XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k",),
        purpose="Multilingual: as fast as the default on images, and searches in 100 languages",
        languages="100 languages",
        licence="MIT",
        dimension=512,
        download_bytes=1_480_000_000,
    ),
)


def find(name: str) -> Model:
    """Return a model of the catalogue, or one that a hub may have under this name.

    Parameters
    ----------
    name
        A name in the catalogue, in either spelling; the name of any other of Immich's exports; or
        ``owner/name`` for any other repository with the same layout.

    Raises
    ------
    UserError
        If no repository can have such a name.
    """
    for model in CATALOGUE:
        if name == model.name or name in model.repositories or f"{OWNER}/{name}" in model.repositories:
            return model
    owner, _, last = name.rpartition("/")
    if not _NAME.fullmatch(last) or (owner and not _NAME.fullmatch(owner)) or ".." in name or last == DEMO:
        raise UserError(
            f"{name!r} can't be the name of a model on a hub; `glimpse model list` shows the known models."
        )
    return Model(last, (f"{owner or OWNER}/{last}",))
