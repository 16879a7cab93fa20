"""How large photos may be, what their owner is told otherwise, and how Pillow is set up."""

from __future__ import annotations

from typing import Final

import pillow_heif
from PIL import AvifImagePlugin, Image

MAX_PIXELS: Final = 66_000_000
"""The most pixels of a photo that is decoded as a whole, which takes up to a gigabyte for a while.

Sensors of "64 megapixels" have up to 64.5 million.
"""

MAX_JPEG_PIXELS: Final = 210_000_000
"""The most for a baseline JPEG, which is scaled while it is decoded: photos of 200-megapixel phones pass."""

MAX_SIDE: Final = 65_535
"""The longest side in pixels, JPEG's own bound: Pillow keeps a pointer for every row, however short."""

MAX_MISSING: Final = 0.25
"""The largest share of its pixels that a photo may lack whose file ends too early."""

TOO_LARGE: Final = (
    f"The picture has too many pixels: {MAX_PIXELS // 1_000_000} million are the most, "
    f"and {MAX_JPEG_PIXELS // 1_000_000} million in a JPEG that is not progressive."
)
TOO_LONG: Final = f"The picture has too many pixels on one side: {MAX_SIDE:,} are the most."
TOO_MANY_SCANS: Final = (
    "The JPEG is stored in too many scans to be decoded. Please save it again and upload the new file."
)
INCOMPLETE: Final = (
    "The picture is incomplete: the file ends before it does. Please upload the original again."
)
DAMAGED: Final = "The picture is damaged and cannot be decoded. Please upload the original again."
TOO_MUCH_MEMORY: Final = "The picture needs too much memory to be decoded."
RAW_TIFF: Final = (
    "This is a camera raw file (DNG, NEF, ARW or the like), not a picture that can be read here: "
    "export it as JPEG, HEIC or TIFF and upload that."
)

WITHOUT_END: Final = "The end of the file is missing; the picture itself is complete."
WITHOUT_DETAILS: Final = "The file ends too early: fine details of the picture may be missing."
PARTLY_DAMAGED: Final = "The file is partly damaged: the picture may differ from the original."

_CODEC_THREADS = 2  # of an HEVC or AV1 decoder: a function's vCPUs


def unsupported(kind: str, how: str) -> str:
    """Return what to say of a picture of a known kind that is stored as no decoder here knows."""
    return (
        f"This is {kind} that is stored in a way that can't be read here ({how}). "
        "Please save it as JPEG or PNG."
    )


def partly_missing(share: float) -> str:
    """Return what to say of a picture whose file ends too early, and which is indexed as far as it goes."""
    return f"The file ends too early: {_percent(share)} of the picture is missing."


def partly_damaged(share: float) -> str:
    """Return what to say of a picture whose file goes on to its end, and which is not all there."""
    return f"The file is damaged: {_percent(share)} of the picture is missing."


def _percent(share: float) -> str:
    return f"{max(1, round(100 * share))} %"


def prepare_pillow() -> None:
    """Make Pillow open HEIF, and set its bounds; to be called once, before the first photo."""
    # Pillow's own alarm: it raises at twice this number, and the check against the limits above is exact.
    Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
    AvifImagePlugin.DEFAULT_MAX_THREADS = _CODEC_THREADS
    # The pictures that a HEIF may hold beside its own are never looked at.
    pillow_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=_CODEC_THREADS
    )
