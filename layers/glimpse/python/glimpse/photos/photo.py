"""Opens a photo from its bytes, within bounds of memory."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from glimpse.photos.colour import to_srgb
from glimpse.photos.exif import orientation, taken_at

MAX_PIXELS = 64_000_000
"""The most pixels that a photo may have: whatever its mode, decoding then takes about a gigabyte at most."""

MAX_JPEG_PIXELS = 120_000_000
"""The most for a JPEG, which is scaled while it is decoded: photos of 108-megapixel phones pass."""

MAX_SIDE = 65_535
"""The longest side in pixels, JPEG's own bound: Pillow keeps a pointer for every row, however short."""

# Pillow's own alarm: it raises at twice this number, and the check below is exact.
Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS

# Only decoders that people's photos need: each further one is a parser that strangers can feed.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")
_WORKING_SIDE = 1024  # a JPEG is decoded at 1/2, 1/4 or 1/8 as long as no side falls below this
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")
_NO_PICTURE = "This is not a picture that can be read here: JPEG, PNG, GIF, WebP, TIFF and BMP can."
_TOO_LARGE = (
    f"The picture has too many pixels: {MAX_PIXELS // 1_000_000} million are the most, "
    f"and {MAX_JPEG_PIXELS // 1_000_000} million in a JPEG."
)
_TOO_LONG = f"The picture has too many pixels on one side: {MAX_SIDE:,} are the most."
_INCOMPLETE = "The picture is incomplete: the file ends before it does. Please upload the original again."
_DAMAGED = "The picture is damaged and cannot be decoded. Please upload the original again."


class UnreadablePhoto(ValueError):  # noqa: N818 - what it is, not how it is signalled
    """The bytes cannot become a picture. ``reason`` is a sentence for the person who uploaded them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that was decoded.

    Attributes
    ----------
    image
        The picture: upright, mode RGB. A large JPEG's is smaller than the original, its sides 1024 at least.
    width, height
        Size of the upright original in pixels.
    taken_at
        Seconds since 1970-01-01 UTC, or ``TAKEN_AT_UNKNOWN``.
    """

    image: Image.Image
    width: int
    height: int
    taken_at: int


def open_photo(data: bytes) -> Photo:
    """Decode a photo.

    Parameters
    ----------
    data
        A whole JPEG, PNG, GIF (of which the first frame counts), WebP, TIFF or BMP file.

    Raises
    ------
    UnreadablePhoto
        If it is anything else, incomplete, damaged, larger than ``MAX_PIXELS`` (``MAX_JPEG_PIXELS``), or
        longer than ``MAX_SIDE``.
    """
    if not data:
        raise UnreadablePhoto("The file is empty (0 bytes).")
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            return _decode(image)
    except UnreadablePhoto:
        raise
    except UnidentifiedImageError as error:
        known = data.startswith(_SIGNATURES) or (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
        raise UnreadablePhoto(_DAMAGED if known else _NO_PICTURE) from error
    except Image.DecompressionBombError as error:
        raise UnreadablePhoto(_TOO_LARGE) from error
    except MemoryError as error:
        raise UnreadablePhoto("The picture needs too much memory to be decoded.") from error
    except Exception as error:  # decoders fed with garbage raise nearly anything
        incomplete = "truncated" in str(error).lower() or isinstance(error, EOFError)
        raise UnreadablePhoto(_INCOMPLETE if incomplete else _DAMAGED) from error


def thumbnail(photo: Photo, longest_side: int = 512) -> bytes:
    """Render a small copy, without any of the original's metadata.

    Parameters
    ----------
    photo
        What to show.
    longest_side
        In pixels; a smaller picture keeps its size.

    Returns
    -------
    bytes
        A WebP file.
    """
    small = photo.image.copy()
    small.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    stream = BytesIO()
    small.save(stream, "WEBP", quality=80, method=4)
    return stream.getvalue()


def _decode(image: Image.Image) -> Photo:
    width, height = image.size
    if width * height > (MAX_JPEG_PIXELS if isinstance(image, JpegImageFile) else MAX_PIXELS):
        raise UnreadablePhoto(_TOO_LARGE)
    if max(width, height) > MAX_SIDE:
        raise UnreadablePhoto(_TOO_LONG)
    # libjpeg scales in the frequency domain: half the time and a quarter of the memory for a phone's photo.
    scaled = image.draft(None, (_WORKING_SIDE, _WORKING_SIDE)) is not None
    image.load()
    turn = orientation(image)
    upright = to_srgb(image)
    if turn in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[turn])
    if not scaled:  # Pillow turns some formats itself, so the size is known only now
        width, height = upright.size
    elif turn in _SIDEWAYS:
        width, height = height, width
    return Photo(upright, width, height, taken_at(image))
