"""Which files are read, how large they may be, and what their owner is told otherwise."""

from __future__ import annotations

from typing import Final

import pillow_heif
from PIL import AvifImagePlugin, Image

MAX_PIXELS: Final = 64_000_000
"""The most pixels of a photo that is decoded as a whole, which takes up to a gigabyte for a while."""

MAX_JPEG_PIXELS: Final = 120_000_000
"""The most for a baseline JPEG, which is scaled while it is decoded: photos of 108-megapixel phones pass."""

MAX_SIDE: Final = 65_535
"""The longest side in pixels, JPEG's own bound: Pillow keeps a pointer for every row, however short."""

# Only decoders that people's photos need: each further one is a parser that strangers can feed.
FORMATS: Final = ("JPEG", "PNG", "HEIF", "AVIF", "WEBP", "GIF", "TIFF", "BMP")

NO_PICTURE: Final = (
    "This is not a picture that can be read here: JPEG, PNG, HEIC, AVIF, WebP, GIF, TIFF and BMP can."
)
TOO_LARGE: Final = (
    f"The picture has too many pixels: {MAX_PIXELS // 1_000_000} million are the most, "
    f"and {MAX_JPEG_PIXELS // 1_000_000} million in a JPEG that is not progressive."
)
TOO_LONG: Final = f"The picture has too many pixels on one side: {MAX_SIDE:,} are the most."
TOO_MANY_SCANS: Final = (
    "The JPEG is stored in too many scans to be decoded. Please save it anew and upload that."
)
INCOMPLETE: Final = (
    "The picture is incomplete: the file ends before it does. Please upload the original again."
)
DAMAGED: Final = "The picture is damaged and cannot be decoded. Please upload the original again."
TOO_MUCH_MEMORY: Final = "The picture needs too much memory to be decoded."

_CODEC_THREADS = 2  # of an HEVC or AV1 decoder: a function's vCPUs
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")
_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})


def prepare_pillow() -> None:
    """Make Pillow open HEIF, and set its bounds; to be called once, before the first photo."""
    # Pillow's own alarm: it raises at twice this number, and the check against the limits above is exact.
    Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
    AvifImagePlugin.DEFAULT_MAX_THREADS = _CODEC_THREADS
    # The pictures that a HEIF may hold beside its own are never looked at.
    pillow_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=_CODEC_THREADS
    )


def is_known(data: bytes) -> bool:
    """Tell whether a file begins as one of a format that is read, so that its rest must be damaged."""
    return (
        data.startswith(_SIGNATURES)
        or (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
        or (data[4:8] == b"ftyp" and data[8:12] in _BRANDS)
    )
