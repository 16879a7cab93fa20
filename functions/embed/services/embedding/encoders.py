"""The models of the deployment's generations, loaded when they are first needed."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Protocol

import numpy as np
from glimpse.generations import CachedGenerations, Generation, Generations
from numpy.typing import NDArray
from PIL import Image

_KEPT = 2
"""As many generations are written at once; the function's memory is for two."""


class Encoder(Protocol):
    """Turns pictures into vectors; :class:`glimpse.encoder.VisualEncoder` is one."""

    @property
    def batch(self) -> int:
        """How many pictures it is best to embed at once."""

    @property
    def side(self) -> int:
        """The longer side of the model's input in pixels."""

    @property
    def preprocessing(self) -> Callable[[Image.Image], NDArray[np.float32]]:
        """From a picture to the model's input (3, height, width)."""

    def embed_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return unit vectors (n, D) of pictures (n, 3, height, width)."""


class Encoders:
    """Image encoders by embedding space.

    Parameters
    ----------
    pointer
        Which generations there are.
    load
        Makes the encoder of one; takes seconds.
    """

    def __init__(self, pointer: CachedGenerations, load: Callable[[Generation], Encoder]) -> None:
        self._pointer = pointer
        self._load = load
        self._loaded: OrderedDict[str, Encoder] = OrderedDict()
        self._lock = Lock()

    def of_current(self) -> dict[str, Encoder]:
        """Return the encoders of every space that is written now, the active one first.

        Raises like :meth:`of`.
        """
        return self._of(self._pointer.fresh(), None)

    def of(self, space_ids: Iterable[str]) -> dict[str, Encoder]:
        """Return the encoders of those spaces that are still written.

        A space that the pointer, read after `space_ids`, does not name was given up: nobody will search it.

        Raises
        ------
        NoModelChosen
            If the deployment has no model.
        ShelfError, BundleError
            If the model can't be had.
        """
        wanted = set(space_ids)
        now = self._pointer.current()
        if not wanted <= now.spaces:  # a space that came after the pointer was read
            now = self._pointer.fresh()
        return self._of(now, wanted)

    def load(self, generation: Generation) -> None:
        """Have a generation's encoder ready; raises ShelfError or BundleError if it can't be had."""
        with self._lock:
            self._encoder(generation)

    def _of(self, now: Generations, wanted: set[str] | None) -> dict[str, Encoder]:
        with self._lock:
            return {
                generation.space_id: self._encoder(generation)
                for generation in now.written
                if wanted is None or generation.space_id in wanted
            }

    def _encoder(self, generation: Generation) -> Encoder:
        digest = generation.bundle_digest
        if digest not in self._loaded:
            while len(self._loaded) >= _KEPT:
                self._loaded.popitem(last=False)
            self._loaded[digest] = self._load(generation)
        self._loaded.move_to_end(digest)
        return self._loaded[digest]
