"""Turns a picture into a model's input, as open_clip's evaluation transform does.

The steps and their rounding are those of ``open_clip.transform.image_transform(..., is_train=False)`` and the
torchvision functions that it calls. So a bundle produces the embeddings that its model was evaluated with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.encoder.bundle import BundleError, read_json_object

# open_clip's defaults (open_clip.constants.OPENAI_DATASET_MEAN and _STD).
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_MAX_ASPECT = 64  # far beyond any model's input, so that the centre crop loses nothing
_RESIZE_MODES = ("shortest", "longest", "squash")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The preprocessing of one model.

    Attributes
    ----------
    height, width
        Size of the model's input in pixels.
    mean, std
        Normalisation per channel, for values in [0, 1].
    resampling
        Pillow's resampling filter.
    resize_mode
        ``shortest``: the picture covers the input and is centre-cropped; ``longest``: it fits inside and is
        padded with ``fill_color``; ``squash``: its aspect ratio is not kept.
    fill_color
        Grey value (0-255) of the padding.
    """

    height: int
    width: int
    mean: tuple[float, float, float] = _MEAN
    std: tuple[float, float, float] = _STD
    resampling: Image.Resampling = Image.Resampling.BICUBIC
    resize_mode: str = "shortest"
    fill_color: int = 0

    @classmethod
    def load(cls, path: Path) -> Preprocessing:
        """Read a ``preprocess_cfg.json``.

        Raises
        ------
        BundleError
            If it is missing, or has a value that open_clip's transform does not know.
        """
        config = read_json_object(path)
        height, width = _size(config.get("size"), path)
        interpolation = config.get("interpolation") or "bicubic"
        resize_mode = config.get("resize_mode") or "shortest"
        if interpolation == "random":  # for training only; open_clip then evaluates with bicubic
            interpolation = "bicubic"
        if interpolation not in _RESAMPLING or resize_mode not in _RESIZE_MODES:
            raise BundleError(
                f"{path}: interpolation {interpolation!r} with resize_mode {resize_mode!r} is unknown; "
                f"use one of {', '.join(_RESAMPLING)} and one of {', '.join(_RESIZE_MODES)}"
            )
        if config.get("mode", "RGB") != "RGB":
            raise BundleError(f"{path}: mode is {config['mode']!r}; only RGB models are supported")
        return cls(
            height,
            width,
            _triple(config.get("mean") or _MEAN, path),
            _triple(config.get("std") or _STD, path),
            _RESAMPLING[interpolation],
            resize_mode,
            int(config.get("fill_color") or 0),
        )

    def __call__(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the model's input for a picture.

        Parameters
        ----------
        image
            An upright picture in any mode.

        Returns
        -------
        numpy.ndarray
            Shape (3, height, width), float32.
        """
        image = image if image.mode == "RGB" else image.convert("RGB")
        image = self._crop_or_pad(self._resize(self._without_far_ends(image)))
        pixels = np.asarray(image, dtype=np.float32) / np.float32(255)
        normalised = (pixels - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(normalised.transpose(2, 0, 1), dtype=np.float32)

    def _without_far_ends(self, image: Image.Image) -> Image.Image:
        """Crop a picture with an extreme aspect ratio, since resizing it would fill the memory."""
        if self.resize_mode != "shortest":
            return image
        limit = _MAX_ASPECT * max(1, min(image.size))
        width, height = min(image.width, limit), min(image.height, limit)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image if (width, height) == image.size else image.crop((left, top, left + width, top + height))

    def _resize(self, image: Image.Image) -> Image.Image:
        if self.resize_mode == "squash":
            size = (self.width, self.height)
        elif self.resize_mode == "shortest" and self.width == self.height:
            # torchvision's Resize with one number truncates the longer side.
            short = min(image.size)
            size = (int(self.width * image.width / short), int(self.height * image.height / short))
        else:
            ratios = (image.width / self.width, image.height / self.height)
            ratio = max(ratios) if self.resize_mode == "longest" else min(ratios)
            size = (max(1, round(image.width / ratio)), max(1, round(image.height / ratio)))
        return image if size == image.size else image.resize(size, self.resampling)

    def _crop_or_pad(self, image: Image.Image) -> Image.Image:
        if image.size == (self.width, self.height):
            return image
        missing = (max(0, self.width - image.width), max(0, self.height - image.height))
        if any(missing):
            canvas = Image.new(
                "RGB", (image.width + missing[0], image.height + missing[1]), (self.fill_color,) * 3
            )
            canvas.paste(image, (missing[0] // 2, missing[1] // 2))
            image = canvas
        # round() rounds half to even, as torchvision's centre crop does.
        left = round((image.width - self.width) / 2)
        top = round((image.height - self.height) / 2)
        return image.crop((left, top, left + self.width, top + self.height))


def _size(value: object, path: Path) -> tuple[int, int]:
    sides: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    if len(sides) == 1:
        sides *= 2
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise BundleError(f"{path}: size is {value!r}; it must be one side or [height, width] in pixels")
    return sides[0], sides[1]


def _triple(value: object, path: Path) -> tuple[float, float, float]:
    channels: list[Any] = list(value) if isinstance(value, list | tuple) else [value] * 3
    try:
        red, green, blue = (float(channel) for channel in channels)
    except (TypeError, ValueError) as error:
        raise BundleError(
            f"{path}: mean and std must be a number, or three of them; got {value!r}"
        ) from error
    return red, green, blue
