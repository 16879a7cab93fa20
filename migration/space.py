"""Whether the old installation's vectors are of the embedding space that a deployment searches in."""

import re

from glimpse.generations import Generations

_NAME = re.compile(r"vit-b-32(-quickgelu)?[^a-z0-9]*openai", re.IGNORECASE)
"""OpenAI's CLIP ViT-B/32. With OpenAI's weights open_clip takes QuickGELU, whatever its name says."""


def old_space(generations: Generations, declared: str | None = None) -> str | None:
    """Return the embedding space of old vectors, if it is the only one that images go to; None otherwise.

    Parameters
    ----------
    generations
        The deployment's models.
    declared
        The space as the operator knows it, for a model that has another name.
    """
    if generations.other is not None:
        return None  # a change of model is under way, and every image has to go to both
    active = generations.active
    is_theirs = active.space_id == declared if declared else _NAME.fullmatch(active.name) is not None
    return active.space_id if is_theirs else None
