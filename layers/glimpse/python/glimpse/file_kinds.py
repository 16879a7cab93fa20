"""Identifies a file's kind by its first bytes, since its name and its declared type can't be trusted.

The module is pure, so a function without decoders can use it too. Signatures come from the formats' own
specifications. ISO base media files (HEIF, AVIF, MP4) are distinguished by the brands in their ``ftyp`` box
(ISO/IEC 14496-12, 4.3), and if all brands are generic, by the types of their items (ISO/IEC 23008-12).
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 4096
"""Number of bytes of a file that are examined."""

READABLE: Final = "JPEG, PNG, HEIC, AVIF, WebP, GIF, TIFF and BMP"


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file.

    Attributes
    ----------
    name
        Name for people, with its article: "a PDF document".
    media_type
        The media type to serve it with.
    decoder
        Pillow's name of the format, or None if such files are not supported.
    is_raw
        Whether it holds raw sensor data instead of a picture.
    """

    name: str
    media_type: str = "application/octet-stream"
    decoder: str | None = None
    is_raw: bool = False


JPEG: Final = FileKind("a JPEG", "image/jpeg", "JPEG")
PNG: Final = FileKind("a PNG", "image/png", "PNG")
APNG: Final = FileKind("an animated PNG", "image/apng", "PNG")
GIF: Final = FileKind("a GIF", "image/gif", "GIF")
WEBP: Final = FileKind("a WebP", "image/webp", "WEBP")
TIFF: Final = FileKind("a TIFF", "image/tiff", "TIFF")
BMP: Final = FileKind("a BMP", "image/bmp", "BMP")
HEIC: Final = FileKind("a HEIC", "image/heic", "HEIF")
HEIF: Final = FileKind("a HEIF", "image/heif", "HEIF")
AVIF: Final = FileKind("an AVIF", "image/avif", "AVIF")
RAW: Final = FileKind("a camera raw file", is_raw=True)

PICTURES: Final = (JPEG, PNG, APNG, GIF, WEBP, TIFF, BMP, HEIC, HEIF, AVIF)
SERVED_TYPES: Final = frozenset(kind.media_type for kind in PICTURES)
"""Media types to serve originals with. Types that a browser may execute, such as SVG, are excluded."""

_VIDEO = FileKind("a video")
_SVG = FileKind("an SVG drawing")
_MOST_BRANDS = 64
_AVIF_BRANDS = frozenset({b"avif", b"avis", b"avio", b"MA1A", b"MA1B"})
_HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS = frozenset(
    {
        b"mif1",
        b"mif2",
        b"mif3",
        b"msf1",
        b"miaf",
        b"heif",
        b"avci",
        b"avcs",
        b"jpeg",
        b"jpgs",
        b"j2ki",
        b"vvic",
    }
)
_HEIF_CODINGS = (b"hvc1", b"hev1", b"avc1", b"jpeg", b"j2k1", b"vvc1", b"unci")

_SIGNATURES: Sequence[tuple[bytes, FileKind]] = (
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\0", RAW),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"FOVb", RAW),
    (b"\0MRM", RAW),
    (b"\0\0\0\x0cJXL \r\n\x87\n", FileKind("a JPEG XL picture")),
    (b"\xff\x0a", FileKind("a JPEG XL picture")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", FileKind("a JPEG 2000 picture")),
    (b"\xff\x4f\xff\x51", FileKind("a JPEG 2000 picture")),
    (b"8BPS", FileKind("a Photoshop document")),
    (b"gimp xcf", FileKind("a GIMP document")),
    (b"%PDF-", FileKind("a PDF document")),
    (b"%!PS", FileKind("a PostScript document")),
    (b"\xc5\xd0\xd3\xc6", FileKind("a PostScript document")),
    (b"AT&TFORM", FileKind("a DjVu document")),
    (b"\x76\x2f\x31\x01", FileKind("an OpenEXR picture")),
    (b"#?RADIANCE", FileKind("a Radiance HDR picture")),
    (b"DDS ", FileKind("a DDS texture")),
    (b"qoif", FileKind("a QOI picture")),
    (b"\0\0\x01\0", FileKind("an icon")),
    (b"\x1aE\xdf\xa3", _VIDEO),
    (b"\0\0\x01\xba", _VIDEO),
    (b"FLV\x01", _VIDEO),
    (b"ID3", FileKind("an audio file")),
    (b"OggS", FileKind("an audio file")),
    (b"fLaC", FileKind("an audio file")),
    (b"PK\x03\x04", FileKind("a ZIP archive or an office document")),
    (b"PK\x05\x06", FileKind("a ZIP archive or an office document")),
    (b"\xd0\xcf\x11\xe0", FileKind("an office document")),
    (b"Rar!", FileKind("a RAR archive")),
    (b"7z\xbc\xaf", FileKind("a 7-Zip archive")),
    (b"\x1f\x8b", FileKind("a gzip archive")),
    (b"MZ", FileKind("a program")),
    (b"\x7fELF", FileKind("a program")),
)
_NETPBM = re.compile(rb"P[1-7][\s#]")
_BITMAP_HEADERS = range(12, 257)


def kind_of(head: bytes) -> FileKind | None:
    """Identify the kind of a file.

    Parameters
    ----------
    head
        The whole file, or at least its first ``HEAD_BYTES`` bytes; more are not used.

    Returns
    -------
    FileKind or None
        None if the kind is unknown.
    """
    head = bytes(head[:HEAD_BYTES])
    if head[4:8] == b"ftyp":
        return _of_boxes(head)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _of_png(head)
    if head[:4] == b"RIFF":
        return WEBP if head[8:12] == b"WEBP" else FileKind("an audio or video file")
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return BMP
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return RAW if kind is TIFF and head[8:10] == b"CR" else kind
    return FileKind("a Netpbm picture") if _NETPBM.match(head) else _of_text(head)


def not_readable(kind: FileKind | None) -> str:
    """Return the message for the owner of a file of an unsupported kind."""
    if kind is None:
        return f"This is not a picture that can be read here. Supported are {READABLE}."
    if kind.is_raw:
        return (
            f"This is {kind.name}, not a picture that can be read here: "
            "export it as JPEG, HEIC or TIFF and upload that."
        )
    return f"This is {kind.name}, not a picture that can be read here. Supported are {READABLE}."


def brands_of(head: bytes) -> list[bytes]:
    """Return the brands of an ISO base media file, the major one first."""
    size = min(int.from_bytes(head[:4]), len(head), 16 + 4 * _MOST_BRANDS)
    return [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]


def has_item(head: bytes, *codings: bytes) -> bool:
    """Tell whether an item of a HEIF or AVIF file has one of these codings."""
    return any(b"infe" in head and coding in head for coding in codings)


def _of_boxes(head: bytes) -> FileKind:
    brands = set(brands_of(head))
    if b"crx " in brands:
        return RAW
    if brands & _AVIF_BRANDS or (brands & _HEIF_BRANDS and has_item(head, b"av01")):
        # Old files list every brand; one that contains HEVC is not an AVIF.
        return HEIC if has_item(head, b"hvc1", b"hev1") and not has_item(head, b"av01") else AVIF
    if brands & _HEVC_BRANDS:
        return HEIC
    if brands & _HEIF_BRANDS:
        return HEIC if has_item(head, b"hvc1", b"hev1") else HEIF
    return HEIC if has_item(head, *_HEIF_CODINGS) else _VIDEO


def _of_png(head: bytes) -> FileKind:
    animation, pixels = head.find(b"acTL"), head.find(b"IDAT")
    return APNG if animation >= 0 and (pixels < 0 or animation < pixels) else PNG


def _of_text(head: bytes) -> FileKind | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text[:HEAD_BYTES] and text.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")):
        return _SVG
    if text.startswith((b"<!doctype html", b"<html")):
        return FileKind("a web page")
    if not text or re.search(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]", head):
        return None
    try:
        # If the file is longer, the last character may be cut off.
        getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return None
    return FileKind("a text file")
