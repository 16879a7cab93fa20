"""Size limits for photos, the messages for their owners, and Pillow's setup."""

from __future__ import annotations

from typing import Final

import pillow_heif
from PIL import AvifImagePlugin, Image

MAX_PIXELS: Final = 66_000_000
"""Maximum number of pixels of a photo that is decoded at full size, which temporarily takes up to a gigabyte.

"64-megapixel" sensors have up to 64.5 million.
"""

MAX_JPEG_PIXELS: Final = 210_000_000
"""The limit for baseline JPEGs, which are scaled during decoding: enough for 200-megapixel phones."""

MAX_SIDE: Final = 65_535
"""Maximum side length in pixels, the same as JPEG's: Pillow keeps a pointer per row, however short."""

MAX_MISSING: Final = 0.25
"""The largest share of pixels that may be missing from a truncated photo."""

TOO_LARGE: Final = (
    f"The picture has too many pixels: the limit is {MAX_PIXELS // 1_000_000} million, "
    f"or {MAX_JPEG_PIXELS // 1_000_000} million for a JPEG that is not progressive."
)
TOO_LONG: Final = f"The picture has too many pixels on one side: the limit is {MAX_SIDE:,}."
TOO_MANY_SCANS: Final = (
    "The JPEG has too many scans to be decoded. Please save it again and upload the new file."
)
INCOMPLETE: Final = "The picture is incomplete: the file ends too early. Please upload the original again."
DAMAGED: Final = "The picture is damaged and can't be decoded. Please upload the original again."
TOO_MUCH_MEMORY: Final = "The picture needs too much memory to be decoded."
RAW_TIFF: Final = (
    "This is a camera raw file (DNG, NEF, ARW or similar), not a picture that can be read here: "
    "export it as JPEG, HEIC or TIFF and upload that."
)

WITHOUT_END: Final = "The end of the file is missing; the picture itself is complete."
WITHOUT_DETAILS: Final = "The file ends too early: fine details of the picture may be missing."
PARTLY_DAMAGED: Final = "The file is partly damaged: the picture may differ from the original."

_CODEC_THREADS = 2  # for HEVC and AV1 decoders: a function's vCPUs


def unsupported(kind: str, how: str) -> str:
    """Return the message for a picture of a known kind whose coding no decoder here supports."""
    return f"This is {kind} with a coding that can't be read here ({how}). Please save it as JPEG or PNG."


def partly_missing(share: float) -> str:
    """Return the note for a picture whose file ends too early, and which is indexed with what is there."""
    return f"The file ends too early: {_percent(share)} of the picture is missing."


def partly_damaged(share: float) -> str:
    """Return the note for a picture whose file has its end, but lacks part of its pixels."""
    return f"The file is damaged: {_percent(share)} of the picture is missing."


def _percent(share: float) -> str:
    return f"{max(1, round(100 * share))} %"


def prepare_pillow() -> None:
    """Register the HEIF decoder with Pillow and set its limits. Call it once, before the first photo."""
    # Pillow's own guard: it raises at twice this number. Our checks against the limits above are exact.
    Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
    AvifImagePlugin.DEFAULT_MAX_THREADS = _CODEC_THREADS
    # Thumbnails, depth maps and other auxiliary images in a HEIF are never used.
    pillow_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=_CODEC_THREADS
    )
