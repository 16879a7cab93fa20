"""Check whether the old installation's vectors are in the embedding space that a deployment uses."""

import re

from glimpse.generations import Generations

_NAME = re.compile(r"vit-b-32(-quickgelu)?[^a-z0-9]*openai", re.IGNORECASE)
"""OpenAI's CLIP ViT-B/32. With OpenAI's weights, open_clip always uses QuickGELU, whatever the name says."""


def old_space(generations: Generations, declared: str | None = None) -> str | None:
    """Return the embedding space of the old vectors, if it is the only one in use; None otherwise.

    Parameters
    ----------
    generations
        The deployment's models.
    declared
        The space as the operator gives it, for a model with another name.
    """
    if generations.other is not None:
        return None  # a model change is in progress, and every image must go to both spaces
    active = generations.active
    is_theirs = active.space_id == declared if declared else _NAME.fullmatch(active.name) is not None
    return active.space_id if is_theirs else None
