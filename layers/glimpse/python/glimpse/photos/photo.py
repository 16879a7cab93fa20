"""Opens a photo from its bytes, within bounds of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from glimpse.photos import formats
from glimpse.photos.colour import to_srgb
from glimpse.photos.exif import orientation, taken_at
from glimpse.photos.jpeg import has_too_many_scans, is_baseline, reduction

ANY_MODEL = 512
"""Side of a model's input that is enough for every model in use."""

_LARGE_PIXELS = 16_000_000  # some 200 MB while they are decoded
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

formats.prepare_pillow()


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
        The picture: upright, mode RGB. A large JPEG's is smaller than the original; see
        :func:`glimpse.photos.jpeg.reduction`.
    width, height
        Size of the upright original in pixels.
    taken_at
        Seconds since 1970-01-01 UTC, or ``TAKEN_AT_UNKNOWN``.
    """

    image: Image.Image
    width: int
    height: int
    taken_at: int


def open_photo(data: bytes, *, model_side: int = ANY_MODEL) -> Photo:
    """Decode a photo.

    Parameters
    ----------
    data
        A whole JPEG, PNG, HEIF (HEIC), AVIF, WebP, GIF (of which the first frame counts), TIFF or BMP file.
    model_side
        The longer side in pixels of the input of the model that will see it. A JPEG is scaled while it is
        decoded, as far as that leaves enough for the model and a thumbnail.

    Raises
    ------
    UnreadablePhoto
        If it is anything else, incomplete, damaged, larger than ``MAX_PIXELS`` (``MAX_JPEG_PIXELS`` for a
        baseline JPEG), or longer than ``MAX_SIDE``.
    """
    if not data:
        raise UnreadablePhoto("The file is empty (0 bytes).")
    with _opened(data) as image:
        return _decode(image, data, model_side)


def is_large(data: bytes, *, model_side: int = ANY_MODEL) -> bool:
    """Tell, by its header, whether a photo takes hundreds of megabytes while it is decoded.

    Parameters
    ----------
    data, model_side
        As for :func:`open_photo`. What is no picture is not large.
    """
    try:
        with _opened(data) as image:
            return _pixels_held(image, data, model_side) > _LARGE_PIXELS
    except UnreadablePhoto:
        return False


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
    scale = min(1.0, longest_side / max(photo.image.size))
    size = (max(1, round(photo.image.width * scale)), max(1, round(photo.image.height * scale)))
    small = photo.image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    stream = BytesIO()
    small.save(stream, "WEBP", quality=80, method=4)
    return stream.getvalue()


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open an image, and say what is wrong with it where that, or what is done with it, fails."""
    try:
        with Image.open(BytesIO(data), formats=formats.FORMATS) as image:
            yield image
    except UnreadablePhoto:
        raise
    except UnidentifiedImageError as error:
        known = formats.is_known(data)
        raise UnreadablePhoto(formats.DAMAGED if known else formats.NO_PICTURE) from error
    except Image.DecompressionBombError as error:
        raise UnreadablePhoto(formats.TOO_LARGE) from error
    except MemoryError as error:
        raise UnreadablePhoto(formats.TOO_MUCH_MEMORY) from error
    except Exception as error:  # decoders fed with garbage raise nearly anything
        message = str(error).lower()
        incomplete = "truncated" in message or "end of file" in message or isinstance(error, EOFError)
        raise UnreadablePhoto(formats.INCOMPLETE if incomplete else formats.DAMAGED) from error


def _decode(image: Image.Image, data: bytes, model_side: int) -> Photo:
    width, height = image.size
    too_many = width * height > formats.MAX_JPEG_PIXELS
    if too_many or _pixels_held(image, data, model_side) > formats.MAX_PIXELS:
        raise UnreadablePhoto(formats.TOO_LARGE)
    if max(width, height) > formats.MAX_SIDE:
        raise UnreadablePhoto(formats.TOO_LONG)
    if isinstance(image, JpegImageFile) and has_too_many_scans(data):
        raise UnreadablePhoto(formats.TOO_MANY_SCANS)
    # libjpeg scales in the frequency domain: a third of the time and less of the memory for a phone's photo.
    divisor = _divisor(image, model_side)
    if divisor > 1:
        image.draft(None, (width // divisor, height // divisor))
    image.load()
    turn, time = orientation(image), taken_at(image)
    upright = to_srgb(image)
    if upright is not image:
        image.close()  # else a large picture would be in memory three times while it is turned
    if turn in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[turn])
    if divisor == 1:  # Pillow turns some formats itself, so the size is known only now
        width, height = upright.size
    elif turn in _SIDEWAYS:
        width, height = height, width
    return Photo(upright, width, height, time)


def _divisor(image: Image.Image, model_side: int) -> int:
    # Only of JPEGs: what a HEIF offers instead is another picture that it holds, such as its thumbnail.
    return reduction(*image.size, model_side) if isinstance(image, JpegImageFile) else 1


def _pixels_held(image: Image.Image, data: bytes, model_side: int) -> int:
    """Return how many pixels are in memory at once while an image is decoded."""
    width, height = image.size
    if not isinstance(image, JpegImageFile) or not is_baseline(data):
        return width * height
    divisor = _divisor(image, model_side)
    return (width // divisor) * (height // divisor)
