"""Converts any Pillow mode to 8-bit sRGB."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from glimpse.photos.samples import by_strips, white_of

_SRGB = ImageCms.createProfile("sRGB")
_STRIP_ROWS = 64


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a decoded image to mode RGB in the sRGB colour space.

    Deep greys are scaled to 8 bits, colour profiles are applied, and transparent parts are shown on white.

    Parameters
    ----------
    image
        An image in any mode that Pillow decodes.
    """
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _deep_grey(image).convert("RGB")
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, lab, _SRGB, outputMode="RGB") or image
    if image.has_transparency_data:
        image = _on_white(image if image.mode == "RGBA" else image.convert("RGBA"))
    elif image.mode not in ("RGB", "CMYK", "L"):
        image = image.convert("RGB")
    if profile:
        image = _apply_profile(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    values: NDArray[Any] = np.asarray(image)
    if image.mode == "F":
        return _stretched(values)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        return _stretched(values)
    white = white_of(high)
    return Image.fromarray(by_strips(values, lambda strip: strip.astype(np.uint32) * 255 // white))


def _stretched(values: NDArray[Any]) -> Image.Image:
    """Map the range of the data to 0…255, since such data has no defined white level."""
    occurring = values[np.isfinite(values)]
    low, high = (float(occurring.min()), float(occurring.max())) if occurring.size else (0.0, 0.0)
    scale = 255 / (high - low) if high > low else 0.0

    def to_grey(strip: NDArray[Any]) -> NDArray[Any]:
        exact = strip.astype(np.float64)
        return np.rint((np.where(np.isfinite(exact), exact, low) - low) * scale)

    return Image.fromarray(by_strips(values, to_grey))


def on_white(image: Image.Image, alpha: Image.Image, *, is_premultiplied: bool) -> Image.Image:
    """Composite a picture over white.

    Parameters
    ----------
    image
        Mode RGB.
    alpha
        Mode L: its opacity.
    is_premultiplied
        Whether the colours are already multiplied by the opacity ("associated" alpha).
    """
    image.putalpha(alpha)
    if is_premultiplied:
        image = Image.frombytes("RGBa", image.size, image.tobytes()).convert("RGBA")
    return _on_white(image)


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    for top in range(0, image.height, _STRIP_ROWS):  # in strips, since pasting copies its source
        strip = image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height)))
        white.paste(strip, (0, top), strip)
    return white


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        # Nearly every photo is sRGB already, and a conversion costs as much as decoding.
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # the profile is damaged or does not fit the pixels: keep the colours as stored
