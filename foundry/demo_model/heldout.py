"""What the demo model is measured on: scenes that training cannot have drawn, and plain pictures."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from foundry.drawing import backgrounds
from foundry.drawing.augment import photographic
from foundry.drawing.captions import Caption, holds, may_hold
from foundry.drawing.concepts import COLOURS, load_concepts
from foundry.drawing.phrasing import describe
from foundry.drawing.scenes import Box, Group, Scene, contrasts, draw_scene, render

SCENE_SIDES = (192, 320)  # pixels
PLAIN_SIDES = (0.50, 0.58)  # of the picture's side: between "medium" and "large", which training draws
_TRIES = 6


@dataclass(frozen=True)
class Example:
    """A scene and the caption that finds it."""

    scene: Scene
    caption: Caption


class _Index:
    """Finds the examples that could be confused with a new one, by the concepts that they show or mean."""

    def __init__(self) -> None:
        self._shown: dict[int, list[Scene]] = {}
        self._meant: dict[int, list[Caption]] = {}

    def clashes(self, caption: Caption, scene: Scene) -> bool:
        """Say whether the caption may be true of an earlier scene, or an earlier caption of this one."""
        earlier = (
            scene for concept in caption.mentions[0].denotation for scene in self._shown.get(concept, ())
        )
        if any(may_hold(caption, scene) for scene in earlier):
            return True
        said = (caption for group in scene.groups for caption in self._meant.get(group.concept, ()))
        return any(may_hold(caption, scene) for caption in said)

    def add(self, caption: Caption, scene: Scene) -> None:
        for group in scene.groups:
            self._shown.setdefault(group.concept, []).append(scene)
        for concept in caption.mentions[0].denotation:
            self._meant.setdefault(concept, []).append(caption)


def draw_examples(seed: int, count: int) -> list[Example]:
    """Draw held-out scenes with captions, no caption being true of two of the scenes.

    Parameters
    ----------
    seed
        Any seed: the attributes of held-out scenes are never drawn in training.
    count
        Number of examples.

    Returns
    -------
    list of Example
        In no reading of a caption, not even the weakest, is it true of another example's scene.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    index, seen = _Index(), set()
    examples: list[Example] = []
    while len(examples) < count:
        scene = draw_scene(rng, held_out=True)
        if scene.attributes() in seen:
            continue
        for _ in range(_TRIES):
            caption = describe(rng, scene)
            if not index.clashes(caption, scene):
                index.add(caption, scene)
                seen.add(scene.attributes())
                examples.append(Example(scene, caption))
                break
    return examples


def check_examples(examples: list[Example]) -> None:
    """Check, pair by pair, what ``draw_examples`` promises.

    Parameters
    ----------
    examples
        Scenes and captions.

    Raises
    ------
    ValueError
        If a scene is not held out, a caption is false of its scene, or a caption may be true of two scenes.
    """
    texts = {example.caption.text for example in examples}
    if len(texts) < len(examples):
        raise ValueError("two examples have one caption")
    for number, example in enumerate(examples):
        if not example.scene.held_out() or not holds(example.caption, example.scene):
            raise ValueError(f"not held out, or not true of its scene: {example.caption.text!r}")
        for other in range(len(examples)):
            if other != number and may_hold(example.caption, examples[other].scene):
                raise ValueError(f"true of two scenes: {example.caption.text!r}")


def _background(
    scene: Scene, generator: np.random.Generator, side: int, painters: dict[str, backgrounds.Painter]
) -> np.ndarray:
    for _ in range(8):
        image = backgrounds.paint(generator, side, painters)
        if contrasts(scene, image):
            break
    return image


def draw_pictures(seed: int, examples: list[Example]) -> list[Image.Image]:
    """Draw the pictures of examples, larger than the model takes them, as photographs are.

    Parameters
    ----------
    seed
        Seed of backgrounds and photographic changes.
    examples
        What to draw.

    Returns
    -------
    list of PIL.Image.Image
        RGB, sides of ``SCENE_SIDES``; some kinds of background are unknown to training.
    """
    rng, generator = random.Random(seed), np.random.default_rng(seed)  # noqa: S311 - not for secrets
    painters = backgrounds.TRAINING | backgrounds.HELD_OUT
    pictures = []
    for example in examples:
        image = _background(example.scene, generator, rng.randint(*SCENE_SIDES), painters)
        pictures.append(photographic(render(example.scene, image, rng), rng))
    return pictures


def draw_plain(seed: int) -> list[Image.Image]:
    """Draw a plain picture of every concept, at a size and on backgrounds that training does not have.

    Parameters
    ----------
    seed
        Seed of places, colours of shapes and backgrounds.

    Returns
    -------
    list of PIL.Image.Image
        RGB, 256 pixels a side; a picture's place is its concept's identifier.
    """
    rng, generator = random.Random(seed), np.random.default_rng(seed)  # noqa: S311 - not for secrets
    pictures = []
    for number, concept in enumerate(load_concepts()):
        colour = rng.choice(list(COLOURS)) if concept.is_shape else concept.colour
        box = Box(rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58), rng.uniform(*PLAIN_SIDES))
        scene = Scene((Group(number, colour, "other", (box,)),))
        pictures.append(render(scene, _background(scene, generator, 256, backgrounds.HELD_OUT), rng))
    return pictures


def single_words() -> dict[str, frozenset[int]]:
    """Return every distinct name or keyword of one word, with the concepts that bear it."""
    bearers: dict[str, set[int]] = {}
    for number, concept in enumerate(load_concepts()):
        for phrase in concept.phrases:
            if " " not in phrase:
                bearers.setdefault(phrase, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in sorted(bearers.items())}
