"""Embeds images with the visual half of a bundle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.encoder.bundle import Bundle, BundleError
from glimpse.encoder.preprocess import Preprocessing
from glimpse.encoder.session import OnnxSession


class VisualEncoder:
    """Embeds pictures.

    Parameters
    ----------
    bundle
        A bundle with a visual half.
    threads
        Threads of one run of the model.

    Raises
    ------
    BundleError
        If the half is absent, or its files are inconsistent.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        path = bundle.model_path("visual")
        self.bundle = bundle
        self.preprocessing = Preprocessing.load(path.parent / "preprocess_cfg.json")
        self._session = OnnxSession(path, threads=threads, dimension=bundle.dimension)
        if len(self._session.inputs) != 1:
            raise BundleError(f"{path} has inputs {', '.join(self._session.inputs)}; expected one: the image")
        self._input = next(iter(self._session.inputs))
        self._dtype = self._session.dtype(self._input)
        expected = (3, self.preprocessing.height, self.preprocessing.width)
        shape = self._session.inputs[self._input].shape
        if len(shape) != 4 or any(
            isinstance(given, int) and given != side for given, side in zip(shape[1:], expected, strict=True)
        ):
            raise BundleError(f"{path} takes {shape}, but preprocess_cfg.json produces (N, {expected})")

    @property
    def batch(self) -> int:
        """How many pictures to embed at once; 1 if the model takes them one by one anyway."""
        return self._session.batch

    @property
    def side(self) -> int:
        """The longer side of the model's input in pixels."""
        return max(self.preprocessing.height, self.preprocessing.width)

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Embed pictures.

        Parameters
        ----------
        images
            Upright pictures of any size.

        Returns
        -------
        numpy.ndarray
            Shape (n, D), float32, unit vectors, in the order of ``images``.
        """
        if not images:
            return np.empty((0, self.bundle.dimension), np.float32)
        return self.embed_pixels(np.stack([self.preprocessing(image) for image in images]))

    def embed_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed preprocessed pictures.

        Parameters
        ----------
        pixels
            Shape (n, 3, height, width), float32, as :class:`Preprocessing` returns them.

        Returns
        -------
        numpy.ndarray
            Shape (n, D), float32, unit vectors.

        Raises
        ------
        ValueError
            If the shape is wrong.
        """
        expected = (3, self.preprocessing.height, self.preprocessing.width)
        if pixels.ndim != 4 or pixels.shape[1:] != expected:
            raise ValueError(
                f"pixels have shape {pixels.shape}; expected (n, {', '.join(map(str, expected))})"
            )
        if len(pixels) == 0:
            return np.empty((0, self.bundle.dimension), np.float32)
        return self._session.embed({self._input: pixels.astype(self._dtype, copy=False)})
