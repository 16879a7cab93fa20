"""Batches of scenes with captions, drawn in a process of its own.

Nothing here imports torch: a process forked from one that runs torch hangs as soon as it touches it, so the
drawing process is spawned afresh and needs Pillow, numpy and tokenizers only.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from foundry.drawing import backgrounds
from foundry.drawing.augment import photographic
from foundry.drawing.captions import Caption, holds
from foundry.drawing.concepts import load_concepts
from foundry.drawing.phrasing import describe, name_one
from foundry.drawing.scenes import Scene, contrasts, draw_scene, render

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from tokenizers import Tokenizer

POOL = 1200  # backgrounds kept at hand; painting one for each scene would take as long as all the rest
FRESH = 7  # of which replaced for each batch
SHORT = 2  # short captions per scene, besides the full one
SIBLINGS = 0.2  # share of scenes that show what the scene before shows, elsewhere, in other numbers and sizes


@dataclass(frozen=True)
class Batch:
    """One step's worth of training data, of B scenes.

    Attributes
    ----------
    images
        (B, S, S, 3) uint8, RGB.
    tokens
        (C, T) int64, C = B + B * SHORT: a caption of each whole scene, then words and short phrases,
        ``SHORT`` in a row for each scene; padded with 0.
    truth
        (C, B) bool: whether a caption is true of a scene.
    shown
        (B, K) bool: whether a scene shows a concept.
    meant
        (C, K) bool: whether a caption may mean a concept.
    """

    images: np.ndarray
    tokens: np.ndarray
    truth: np.ndarray
    shown: np.ndarray
    meant: np.ndarray


def truth_table(captions: list[Caption], scenes: list[Scene]) -> np.ndarray:
    """Say which caption is true of which scene.

    Parameters
    ----------
    captions, scenes
        C captions and N scenes.

    Returns
    -------
    numpy.ndarray
        (C, N) bool.
    """
    showing: dict[int, set[int]] = {}
    for number, scene in enumerate(scenes):
        for group in scene.groups:
            showing.setdefault(group.concept, set()).add(number)
    present = frozenset(showing)
    table = np.zeros((len(captions), len(scenes)), dtype=bool)
    for row, caption in enumerate(captions):
        candidates: set[int] = set()
        for concept in caption.mentions[0].denotation & present:
            candidates |= showing[concept]
        for column in candidates:
            table[row, column] = holds(caption, scenes[column])
    return table


def _rows(numbers: list[list[int]]) -> np.ndarray:
    """Return a (len(numbers), K) bool table with the given concepts set in each row."""
    table = np.zeros((len(numbers), len(load_concepts())), dtype=bool)
    for row, row_numbers in enumerate(numbers):
        table[row, row_numbers] = True
    return table


class Artist:
    """Draws batches from one seed."""

    def __init__(self, seed: int, batch: int, size: int, tokenizer: Tokenizer) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - not for secrets
        self._numpy = np.random.default_rng(seed)
        self._batch, self._size, self._tokenizer = batch, size, tokenizer
        self._pool = [self._paint() for _ in range(POOL)]

    def _paint(self) -> np.ndarray:
        return backgrounds.paint(self._numpy, self._size * 3 // 2)

    def _background(self, scene: Scene) -> np.ndarray:
        """Cut a piece out of a background that the scene's shapes stand out from."""
        rng, size = self._rng, self._size
        for _ in range(5):
            pool = rng.choice(self._pool)
            left, top = rng.randint(0, pool.shape[1] - size), rng.randint(0, pool.shape[0] - size)
            piece = pool[top : top + size, left : left + size]
            if contrasts(scene, piece):
                break
        return np.ascontiguousarray(piece[:, ::-1] if rng.random() < 0.5 else piece)

    def _scenes(self) -> list[Scene]:
        scenes: list[Scene] = []
        while len(scenes) < self._batch:
            same = (
                [group.concept for group in scenes[-1].groups]
                if scenes and self._rng.random() < SIBLINGS
                else None
            )
            scenes.append(draw_scene(self._rng, held_out=False, concepts=same))
        return scenes

    def _tokens(self, captions: list[Caption]) -> np.ndarray:
        encoded = self._tokenizer.encode_batch([caption.text for caption in captions])
        return np.array([encoding.ids for encoding in encoded], dtype=np.int64)

    def draw(self) -> Batch:
        """Draw the next batch.

        Returns
        -------
        Batch
            Of scenes of the training part only.
        """
        self._pool[:FRESH] = []
        self._pool += [self._paint() for _ in range(FRESH)]
        scenes = self._scenes()
        images = [
            photographic(render(scene, self._background(scene), self._rng), self._rng) for scene in scenes
        ]
        captions = [describe(self._rng, scene) for scene in scenes]
        captions += [name_one(self._rng, scene) for scene in scenes for _ in range(SHORT)]
        pixels = np.stack([np.asarray(image) for image in images])
        shown = _rows([[group.concept for group in scene.groups] for scene in scenes])
        meant = _rows(
            [[n for mention in caption.mentions for n in mention.denotation] for caption in captions]
        )
        return Batch(pixels, self._tokens(captions), truth_table(captions, scenes), shown, meant)


def _work(queue: Queue[Batch], seed: int, batch: int, size: int, tokenizer_file: Path) -> None:
    from tokenizers import Tokenizer

    artist = Artist(seed, batch, size, Tokenizer.from_file(str(tokenizer_file)))
    while True:
        queue.put(artist.draw())


def batches(seed: int, batch: int, size: int, tokenizer_file: Path) -> Generator[Batch, None, None]:
    """Draw batches in another process while the caller works on the one before.

    Parameters
    ----------
    seed
        The same seed gives the same batches.
    batch, size
        Scenes in a batch, and their side in pixels.
    tokenizer_file
        ``tokenizer.json`` of the model.

    Yields
    ------
    Batch
        In a fixed order, until the caller closes the iterator.
    """
    context = multiprocessing.get_context("spawn")
    queue: Queue[Batch] = context.Queue(maxsize=4)
    process = context.Process(target=_work, args=(queue, seed, batch, size, tokenizer_file), daemon=True)
    process.start()
    try:
        while True:
            yield queue.get(timeout=300)
    finally:
        process.terminate()
        process.join()
