"""The models that people are likely to want, and where a hub keeps them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployment.errors import UserError

OWNER = "immich-app"
"""Publishes ONNX exports of open_clip's models, one repository a model."""

DEMO = "demo"
DEFAULT = "ViT-B-32__laion2b_s34b_b79k"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its name.

    Attributes
    ----------
    name
        What it is installed as: architecture, two underscores, weights.
    repositories
        Where a hub may have it; tried in this order.
    purpose
        What it is good for, in a sentence without its end.
    languages
        The languages that it understands.
    licence
        The weights' licence, by its SPDX identifier.
    dimension
        Length of an embedding.
    download_bytes
        About what has to be fetched: both halves in full precision.
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
        # The hub spells the weights' name with dashes, open_clip with underscores.
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
        purpose="OpenAI's first CLIP (quickgelu): what indexes of older installations were made with",
        languages="English",
        licence="MIT",
        dimension=512,
        download_bytes=610_000_000,
    ),
    Model(
        "ViT-B-16-SigLIP2__webli",
        (f"{OWNER}/ViT-B-16-SigLIP2__webli",),
        purpose="SigLIP 2: finds more than the default, for about three times the time an image",
        languages="English best, and 108 others",
        licence="Apache-2.0",
        dimension=768,
        download_bytes=1_540_000_000,
    ),
    Model(
        "XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k",
        (f"{OWNER}/XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k",),
        purpose="Multilingual: as fast as the default with images, in 100 languages",
        languages="100 languages",
        licence="MIT",
        dimension=512,
        download_bytes=1_480_000_000,
    ),
)


def find(name: str) -> Model:
    """Return a model of the catalogue, or the one that a hub may have by this name.

    Parameters
    ----------
    name
        A name of the catalogue, in either spelling; the name of any other of Immich's exports; or
        ``owner/name`` for a repository of somebody else in the same layout.

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
            f"{name!r} can't be the name of a model on a hub; `glimpse model list` shows the known ones."
        )
    return Model(last, (f"{owner or OWNER}/{last}",))
