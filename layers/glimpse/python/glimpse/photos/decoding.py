"""Decodes files with Pillow into upright RGB pictures, within memory limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from glimpse.file_kinds import FileKind
from glimpse.photos import formats
from glimpse.photos.colour import to_srgb
from glimpse.photos.exif import exif_of, orientation, taken
from glimpse.photos.jpeg import outline, reduction
from glimpse.photos.taken import TAKEN_AT_UNKNOWN, Taken

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


class UnreadablePhoto(ValueError):
    """The bytes can't be decoded as a picture. ``reason`` is a sentence for the person who uploaded them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo.

    Attributes
    ----------
    image
        The picture: upright, mode RGB. For a large JPEG, it is smaller than the original; see
        :func:`glimpse.photos.jpeg.reduction`.
    width, height
        Size of the upright original in pixels.
    taken
        When it was taken, if the file says so.
    media_type
        The media type to serve the file with, determined from its bytes.
    note
        A sentence for its owner, if something is wrong with the file but the picture can still be searched.
    """

    image: Image.Image
    width: int
    height: int
    taken: Taken | None = None
    media_type: str = "application/octet-stream"
    note: str | None = None

    @property
    def taken_at(self) -> int:
        """Seconds since 1970-01-01 UTC, or ``TAKEN_AT_UNKNOWN``."""
        return self.taken.instant if self.taken else TAKEN_AT_UNKNOWN


@contextmanager
def opened(data: bytes, decoder: str) -> Iterator[Image.Image]:
    """Open an image. Errors of opening it, and of the code inside the context, become UnreadablePhoto.

    Parameters
    ----------
    data
        A file.
    decoder
        Pillow's name of its format. No other format is tried, since each is a parser exposed to strangers.

    Raises
    ------
    UnreadablePhoto
        With :data:`formats.DAMAGED`, :data:`formats.INCOMPLETE`, or another reason.
    """
    try:
        with Image.open(BytesIO(data), formats=(decoder,)) as image:
            yield image
    except UnreadablePhoto:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePhoto(formats.DAMAGED) from error
    except Image.DecompressionBombError as error:
        raise UnreadablePhoto(formats.TOO_LARGE) from error
    except MemoryError as error:
        raise UnreadablePhoto(formats.TOO_MUCH_MEMORY) from error
    except Exception as error:  # given garbage, decoders raise almost anything
        message = str(error).lower()
        incomplete = "truncated" in message or "end of file" in message or isinstance(error, EOFError)
        raise UnreadablePhoto(formats.INCOMPLETE if incomplete else formats.DAMAGED) from error


def check_size(width: int, height: int, held: int | None = None) -> None:
    """Check that a picture is not too large to decode.

    Parameters
    ----------
    width, height
        Its size in pixels.
    held
        How many pixels are in memory at once; None for all of them.

    Raises
    ------
    UnreadablePhoto
        If it is too large.
    """
    pixels = width * height
    if pixels > formats.MAX_JPEG_PIXELS or (pixels if held is None else held) > formats.MAX_PIXELS:
        raise UnreadablePhoto(formats.TOO_LARGE)
    if max(width, height) > formats.MAX_SIDE:
        raise UnreadablePhoto(formats.TOO_LONG)


def by_pillow(data: bytes, kind: FileKind, model_side: int) -> Photo:
    """Decode a file of a known kind; raises UnreadablePhoto."""
    with opened(data, kind.decoder or "") as image:
        return replace(_decode(image, data, model_side), media_type=kind.media_type)


def jpeg_pixels(data: bytes, model_side: int) -> Image.Image:
    """Decode a JPEG as small as the model allows, with its colours as stored; raises UnreadablePhoto."""
    with opened(data, "JPEG") as image:
        check_size(*image.size, pixels_held(image, data, model_side))
        image.draft(None, _draft_size(image, model_side))
        image.load()
        return image.copy()


def turned(image: Image.Image, turn: int) -> Image.Image:
    """Return a picture turned upright, given its EXIF orientation."""
    return image.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else image


def pixels_held(image: Image.Image, data: bytes, model_side: int) -> int:
    """Return how many pixels are in memory at once during decoding."""
    width, height = image.size
    if not isinstance(image, JpegImageFile) or not outline(data).is_baseline:
        return width * height
    divisor = _divisor(image, model_side)
    return (width // divisor) * (height // divisor)


def _decode(image: Image.Image, data: bytes, model_side: int) -> Photo:
    width, height = image.size
    check_size(width, height, pixels_held(image, data, model_side))
    if isinstance(image, JpegImageFile) and outline(data).has_too_many_scans:
        raise UnreadablePhoto(formats.TOO_MANY_SCANS)
    # libjpeg scales in the frequency domain: for a phone photo, that takes a third of the time and less
    # memory.
    divisor = _divisor(image, model_side)
    if divisor > 1:
        image.draft(None, _draft_size(image, model_side))
    image.load()
    exif = exif_of(image)
    turn, time = orientation(exif), taken(exif)
    upright = to_srgb(image)
    if upright is not image:
        image.close()  # otherwise a large picture would be in memory three times while it is turned
    upright = turned(upright, turn)
    if divisor == 1:  # Pillow turns some formats itself, so the size is only known now
        width, height = upright.size
    elif turn in _SIDEWAYS:
        width, height = height, width
    return Photo(upright, width, height, time)


def _divisor(image: Image.Image, model_side: int) -> int:
    # JPEGs only: Pillow's draft mode for a HEIF would pick another picture in the file, such as its
    # thumbnail.
    return reduction(*image.size, model_side) if isinstance(image, JpegImageFile) else 1


def _draft_size(image: Image.Image, model_side: int) -> tuple[int, int]:
    divisor = _divisor(image, model_side)
    return image.width // divisor, image.height // divisor
