"""A second TIFF decoder, tifffile, for pictures that Pillow has no mode for.

These are floating point, deep colours with transparency, CMYK with transparency, WebP inside, and pictures
that are not the first in their file. The module is only imported when it is needed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from glimpse.photos.samples import by_strips, strips, white_of
from glimpse.photos.tiff import Directory

MAX_SAMPLE_BYTES: Final = 400_000_000
"""Limit for a picture's samples as stored: as much as an ordinary picture takes when decoded."""

_CMYK, _PALETTE = 5, 3
_WHITE_IS_ZERO = 0
_KNOWN_COLOURS = frozenset({0, 1, 2, 3, 5, 6})  # grey, grey, RGB, palette, CMYK, YCbCr

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs every odd tag of every file


class NotDecodable(ValueError):
    """The picture can't be decoded; `how` names its coding if that is the reason."""

    def __init__(self, message: str, how: str = "") -> None:
        super().__init__(message)
        self.how = how


class TooManySamples(MemoryError):
    """The picture's channels are so many or so deep that it takes too much memory."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture with 8 bits per channel.

    Attributes
    ----------
    image
        Mode L, RGB or CMYK, with its colour profile in ``info``.
    alpha
        Mode L; None without transparency.
    """

    image: Image.Image
    alpha: Image.Image | None = None


def decode(data: bytes, picture: Directory) -> Decoded:
    """Decode one picture of a TIFF. Data that the file lacks becomes zero.

    Parameters
    ----------
    data
        A TIFF or BigTIFF file.
    picture
        The picture, whose size in pixels has been checked.

    Raises
    ------
    NotDecodable
        If the picture can't be decoded.
    TooManySamples
        If it takes more than ``MAX_SAMPLE_BYTES``.
    """
    try:
        with tifffile.TiffFile(BytesIO(data)) as file:
            page = _page(file, picture)
            return _decoded(page, data, picture)
    except (NotDecodable, TooManySamples):
        raise
    except Exception as error:  # given garbage, decoders raise almost anything
        raise NotDecodable(f"{type(error).__name__}: {error}") from error


def _page(file: Any, picture: Directory) -> Any:  # noqa: ANN401 - tifffile's types are not complete
    page = file.pages[picture.page]
    return page if picture.sub is None else page.pages[picture.sub]


def _decoded(page: Any, data: bytes, picture: Directory) -> Decoded:  # noqa: ANN401 - as above
    if page.photometric not in _KNOWN_COLOURS:
        raise NotDecodable(
            "its colour space is not supported", f"photometric interpretation {int(page.photometric)}"
        )
    if page.size * page.dtype.itemsize > MAX_SAMPLE_BYTES:
        raise TooManySamples
    ends = zip(page.dataoffsets, page.databytecounts, strict=True)
    page.databytecounts = tuple(count if offset + count <= len(data) else 0 for offset, count in ends)
    values = _rows_columns_channels(page)
    count = _colours(page, values.shape[2])
    colours = values[:, :, :count]
    if page.photometric == _PALETTE:
        shown = _of_palette(page, colours[:, :, 0])
    else:
        shown = _in_8_bits(colours)
        if page.photometric == _WHITE_IS_ZERO:
            shown = 255 - shown
    image = Image.fromarray(
        shown[:, :, 0] if shown.shape[2] == 1 else shown, mode={1: "L", 3: "RGB", 4: "CMYK"}[shown.shape[2]]
    )
    if page.iccprofile:
        image.info["icc_profile"] = page.iccprofile
    has_alpha = picture.alpha is not None and values.shape[2] > count
    return Decoded(image, Image.fromarray(_alpha(values[:, :, count])) if has_alpha else None)


def _rows_columns_channels(page: Any) -> NDArray[Any]:  # noqa: ANN401 - as above
    values: NDArray[Any] = page.asarray(maxworkers=1)
    axes = page.axes
    if values.ndim == 2:
        return values[:, :, None]
    if axes == "SYX":  # one plane per channel
        return np.moveaxis(values, 0, 2)
    if axes != "YXS":
        raise NotDecodable(f"axes {axes}", f"axes {axes}")
    return values


def _colours(page: Any, channels: int) -> int:  # noqa: ANN401 - as above
    if page.photometric == _CMYK and channels >= 4:
        return 4
    is_grey = page.photometric in (0, 1, _PALETTE) or channels < 3
    return 1 if is_grey else 3


def _of_palette(page: Any, places: NDArray[Any]) -> NDArray[np.uint8]:  # noqa: ANN401 - as above
    colours = (np.asarray(page.colormap).T >> 8).astype(np.uint8)
    shown: NDArray[np.uint8] = colours[places.astype(np.uint16)]
    return shown


def _in_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale channels to 8 bits: 16-bit ones by the bit depth in use, others by their range if not 0…1."""
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    low, high = _range(values)
    if values.dtype == np.uint16:
        low, high = 0.0, float(white_of(int(high)))
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scale = 255 / (high - low) if high > low else 0.0

    def scaled(strip: NDArray[Any]) -> NDArray[Any]:
        exact = np.where(np.isfinite(strip), strip, low).astype(np.float64)
        return np.rint((exact - low) * scale)

    return by_strips(values, scaled)


def _range(values: NDArray[Any]) -> tuple[float, float]:
    lows, highs = [], []
    for strip in strips(values):
        finite = strip[np.isfinite(strip)]
        if finite.size:
            lows.append(float(finite.min()))
            highs.append(float(finite.max()))
    return (min(lows), max(highs)) if lows else (0.0, 1.0)


def _alpha(values: NDArray[Any]) -> NDArray[np.uint8]:
    most = float(np.iinfo(values.dtype).max) if values.dtype.kind in "ui" else 1.0
    return by_strips(
        values, lambda strip: np.rint(np.clip(np.nan_to_num(strip.astype(np.float64)) / most, 0, 1) * 255)
    )
