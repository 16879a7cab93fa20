"""Opens photos from their bytes: with Pillow, and if that fails with fallback decoders and repairs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from glimpse.file_kinds import FileKind, kind_of, not_readable
from glimpse.photos import bitmap, formats, heif, png, tiff
from glimpse.photos.colour import on_white, to_srgb
from glimpse.photos.decoding import (
    Photo,
    UnreadablePhoto,
    by_pillow,
    check_size,
    jpeg_pixels,
    opened,
    pixels_held,
    turned,
)
from glimpse.photos.exif import exif_of_tiff, orientation, taken
from glimpse.photos.incomplete import completed, lacks_end
from glimpse.photos.jpeg import outline

ANY_MODEL = 512
"""An input side length, in pixels, that is enough for every model in use."""

_LARGE_PIXELS = 16_000_000  # takes some 200 MB during decoding
_LARGE_BYTES = 8_000_000  # for files that Pillow does not open
_PERHAPS_READABLE = frozenset({formats.DAMAGED, formats.INCOMPLETE})


@dataclass(frozen=True, slots=True)
class _Source:
    """A file to decode. `picture` is the main picture of a TIFF."""

    data: bytes
    kind: FileKind
    picture: tiff.Directory | None = None

    @property
    def decoder(self) -> str:
        return self.kind.decoder or ""

    @property
    def is_first_picture(self) -> bool:
        return self.picture is None or (self.picture.page, self.picture.sub) == (0, None)


def open_photo(data: bytes, *, model_side: int = ANY_MODEL) -> Photo:
    """Decode a photo.

    Parameters
    ----------
    data
        A JPEG, PNG, HEIF (HEIC), AVIF, WebP, GIF (only the first frame is used), TIFF or BMP file. It may be
        truncated and lack up to ``MAX_MISSING`` of its pixels; the photo's ``note`` then says so.
    model_side
        The longer side of the model's input, in pixels. A JPEG is scaled down during decoding, as far as the
        result is still large enough for the model and a thumbnail.

    Raises
    ------
    UnreadablePhoto
        If the file is of another kind, damaged, larger than ``MAX_PIXELS`` (``MAX_JPEG_PIXELS`` for a
        baseline JPEG), or longer than ``MAX_SIDE``.
    """
    if not data:
        raise UnreadablePhoto("The file is empty (0 bytes).")
    source = _identified(data)
    if not source.is_first_picture:
        return _by_second_decoder(source)
    try:
        return by_pillow(source.data, source.kind, model_side)
    except UnreadablePhoto as refusal:
        if refusal.reason not in _PERHAPS_READABLE:
            raise
        return _by_fallback(source, refusal, model_side)


def is_large(data: bytes, *, model_side: int = ANY_MODEL) -> bool:
    """Tell from its header whether decoding a photo takes hundreds of megabytes.

    Parameters
    ----------
    data, model_side
        As for :func:`open_photo`. A file that is not a picture does not count as large.
    """
    try:
        source = _identified(data)
    except UnreadablePhoto:
        return False
    if source.picture is not None and not source.is_first_picture:
        return source.picture.pixels > _LARGE_PIXELS
    try:
        with opened(source.data, source.decoder) as image:
            return pixels_held(image, source.data, model_side) > _LARGE_PIXELS
    except UnreadablePhoto:
        return len(data) > _LARGE_BYTES  # a fallback decoder may still open it


def _identified(data: bytes) -> _Source:
    """Identify a file; raises UnreadablePhoto if files of its kind are not supported."""
    kind = kind_of(data)
    if kind is None or kind.decoder is None:
        raise UnreadablePhoto(not_readable(kind))
    if kind.decoder == "TIFF":
        pictures = tiff.directories(data)
        if tiff.is_raw(pictures):
            raise UnreadablePhoto(formats.RAW_TIFF)
        return _Source(data, kind, tiff.main_picture(pictures))
    return _Source(heif.under_a_known_brand(data, kind), kind)


def _by_fallback(source: _Source, refusal: UnreadablePhoto, model_side: int) -> Photo:
    """Decode a file that Pillow has refused, or raise with the most specific reason."""
    try:
        return _by_kind(source, refusal, model_side)
    except UnreadablePhoto as error:
        if error.reason == formats.DAMAGED and lacks_end(source.data, source.kind):
            raise UnreadablePhoto(formats.INCOMPLETE) from error
        raise


def _by_kind(source: _Source, refusal: UnreadablePhoto, model_side: int) -> Photo:
    match source.decoder:
        case "PNG":
            return _png(source, model_side)
        case "BMP":
            return _bmp(source, refusal, model_side)
        case "TIFF":
            return _tiff(source, model_side)
        case "HEIF" if coding := heif.other_coding(source.data):
            raise UnreadablePhoto(formats.unsupported("a HEIF", coding)) from refusal
        case "HEIF" | "AVIF":
            raise refusal
        case _:
            return _completed(source, refusal, model_side)


def _png(source: _Source, model_side: int) -> Photo:
    pixels = png.essential(source.data)
    if pixels is None:
        raise UnreadablePhoto(formats.DAMAGED)
    note = None if png.has_end(source.data) else formats.WITHOUT_END
    try:
        return replace(by_pillow(pixels, source.kind, model_side), note=note)
    except UnreadablePhoto as refusal:
        if refusal.reason not in _PERHAPS_READABLE:
            raise
        with opened(pixels, source.decoder) as image:  # raises again if the size is not allowed
            check_size(*image.size)
        return _completed(source, refusal, model_side)


def _bmp(source: _Source, refusal: UnreadablePhoto, model_side: int) -> Photo:
    try:
        check_size(*bitmap.size_of(source.data))
        inside = bitmap.picture_inside(source.data)
        kind = kind_of(inside) if inside else None
        if inside and kind and kind.decoder in ("JPEG", "PNG"):
            photo = by_pillow(inside, kind, model_side)
            return replace(photo, media_type=source.kind.media_type)
        image = bitmap.decode(source.data)
    except EOFError:
        return _completed(source, refusal, model_side)
    except bitmap.UnsupportedBitmap as error:
        raise (UnreadablePhoto(formats.unsupported("a BMP", error.how)) if error.how else refusal) from error
    return Photo(to_srgb(image), *image.size, media_type=source.kind.media_type)


def _tiff(source: _Source, model_side: int) -> Photo:
    note = _note_on_missing_pixels(source)
    whole = source.picture.filled_up(source.data) if source.picture else source.data
    if len(whole) > len(source.data):
        with suppress(UnreadablePhoto):  # the second decoder may read it
            return replace(by_pillow(whole, source.kind, model_side), note=note)
    return _by_second_decoder(source)


def _note_on_missing_pixels(source: _Source) -> str | None:
    """Return the note for a TIFF that lacks pixels, or None; raises UnreadablePhoto if it lacks too many."""
    missing = source.picture.missing_share(len(source.data)) if source.picture else None
    if not missing:
        return None
    if missing > formats.MAX_MISSING:
        raise UnreadablePhoto(formats.INCOMPLETE)
    return formats.partly_missing(missing)


def _completed(source: _Source, refusal: UnreadablePhoto, model_side: int) -> Photo:
    """Complete and decode a truncated file; raises UnreadablePhoto if that fails or too much is missing."""
    whole = completed(source.data, source.kind, lambda data: jpeg_pixels(data, model_side))
    if whole is None:
        raise refusal
    # A WebP states its length. For other kinds, Pillow distinguishes truncated files from damaged ones.
    reason = formats.INCOMPLETE if source.decoder == "WEBP" else refusal.reason
    if not whole.is_cut:
        reason = formats.DAMAGED
    if whole.missing > formats.MAX_MISSING:
        raise UnreadablePhoto(reason) from refusal
    try:
        photo = by_pillow(whole.data, source.kind, model_side)
    except UnreadablePhoto as error:
        raise UnreadablePhoto(reason) from error
    if not whole.is_cut:
        note = formats.partly_damaged(whole.missing) if whole.missing > 0 else formats.PARTLY_DAMAGED
        return replace(photo, note=note)
    if whole.missing > 0:
        return replace(photo, note=formats.partly_missing(whole.missing))
    is_blurred = source.decoder == "JPEG" and not outline(source.data).is_baseline
    return replace(photo, note=formats.WITHOUT_DETAILS if is_blurred else formats.WITHOUT_END)


def _by_second_decoder(source: _Source) -> Photo:
    """Decode a TIFF's picture with any kind of channels; raises UnreadablePhoto."""
    from glimpse.photos import tifffile_decoder  # imported late, since few photos need it

    picture = source.picture
    note = _note_on_missing_pixels(source)
    no_picture = formats.INCOMPLETE if note or tiff.is_cut(source.data) else formats.DAMAGED
    if picture is None:
        raise UnreadablePhoto(no_picture)
    check_size(*picture.size)
    try:
        found = tifffile_decoder.decode(picture.filled_up(source.data), picture)
    except tifffile_decoder.TooManySamples as error:
        raise UnreadablePhoto(formats.TOO_MUCH_MEMORY) from error
    except tifffile_decoder.NotDecodable as error:
        reason = formats.unsupported("a TIFF", error.how) if error.how else no_picture
        raise UnreadablePhoto(reason) from error
    is_premultiplied = picture.alpha == tiff.ASSOCIATED
    is_on_white = is_premultiplied and found.image.mode == "CMYK"  # less ink shows more of the paper
    shown = to_srgb(found.image)
    if found.alpha is not None and not is_on_white:
        shown = on_white(shown, found.alpha, is_premultiplied=is_premultiplied)
    exif = exif_of_tiff(source.data)
    shown = turned(shown, picture.orientation or orientation(exif))
    return Photo(shown, *shown.size, taken(exif), source.kind.media_type, note)
