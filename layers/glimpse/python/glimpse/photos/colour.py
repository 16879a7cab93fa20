"""Any Pillow mode to 8-bit sRGB."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_SRGB = ImageCms.createProfile("sRGB")


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a decoded image to mode RGB in the sRGB colour space.

    Deep greys are scaled to 8 bits, colour profiles are applied, transparent parts lie on white.

    Parameters
    ----------
    image
        In any mode that Pillow decodes.
    """
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _deep_grey(image).convert("RGB")
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, lab, _SRGB, outputMode="RGB") or image
    if image.has_transparency_data:
        image = _on_white(image.convert("RGBA"))
    elif image.mode not in ("RGB", "CMYK", "L"):
        image = image.convert("RGB")
    if profile:
        image = _apply_profile(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    values: NDArray[Any] = np.asarray(image)
    if image.mode == "F":
        return _stretched(values.astype(np.float64))
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        return _stretched(values.astype(np.float64))
    # Scanners and cameras keep 8 to 14 bits in 16: white is the largest value of the depth that is in use.
    white = next(2**depth - 1 for depth in (8, 10, 12, 14, 16) if high < 2**depth)
    return Image.fromarray((values.astype(np.uint32) * 255 // white).astype(np.uint8))


def _stretched(values: NDArray[np.float64]) -> Image.Image:
    """Map the range that occurs to 0-255: such data has no white of its own."""
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    scaled = (np.where(finite, values, low) - low) * (255 / (high - low) if high > low else 0)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        # Nearly every photo is sRGB already, and the conversion costs as much as decoding.
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a damaged profile, or one of another kind than the pixels: colours as stored
