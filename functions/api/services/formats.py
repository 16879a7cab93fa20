"""Which files may be images, and the content types with which they are stored and served.

The bytes decide if they are available; names and declared types are only what a client claims.
"""

from mimetypes import MimeTypes
from pathlib import PurePosixPath

from glimpse.file_kinds import READABLE, SERVED_TYPES, FileKind, kind_of, not_readable

FORMATS = READABLE.replace(" and ", " or ")
NOT_AN_IMAGE = f"This is not an image: upload {FORMATS} files."

_TYPE_BY_SUFFIX = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".mpo": "image/jpeg",
    ".png": "image/png",
    ".apng": "image/apng",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".dng": "image/tiff",
    ".bmp": "image/bmp",
    ".dib": "image/bmp",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".hif": "image/heif",
    ".avif": "image/avif",
}
_UNKNOWN_TYPE = "application/octet-stream"
# Only Python's own table: the system's further types must not make a difference.
_KNOWN_TYPES = MimeTypes(filenames=())


def may_be_image(name: str, content_type: str, head: bytes | None = None) -> bool:
    """Tell whether a file may be an image.

    Parameters
    ----------
    name, content_type
        As the client declares them.
    head
        The file's first bytes, if available. Without them, only a file whose name suggests another kind, and
        whose type is not an image's, is rejected.
    """
    is_declared = _suffix(name) in _TYPE_BY_SUFFIX or _essence(content_type).startswith("image/")
    if is_declared:
        return True
    if head is not None:
        return _is_read(kind_of(head))
    return _KNOWN_TYPES.guess_type(f"x{_suffix(name)}")[0] is None


def objection(name: str, content_type: str, head: bytes | None) -> str | None:
    """Return why a file is no image, judged by its name, type and first bytes; None if it may be one."""
    if may_be_image(name, content_type, head):
        return None
    kind = kind_of(head) if head else None
    return NOT_AN_IMAGE if kind is None else not_readable(kind)


def stored_type(name: str, content_type: str, head: bytes | None = None) -> str:
    """Return the content type of the stored object: a known image type, or one that no browser interprets."""
    kind = kind_of(head) if head else None
    if kind is not None and _is_read(kind):
        return kind.media_type
    declared = _essence(content_type)
    if declared in SERVED_TYPES:
        return declared
    return _TYPE_BY_SUFFIX.get(_suffix(name), _UNKNOWN_TYPE)


def served_type(content_type: str) -> str:
    """Return the content type with which an original is served, since other people open it by its URL."""
    return content_type if content_type in SERVED_TYPES else _UNKNOWN_TYPE


def _is_read(kind: FileKind | None) -> bool:
    return kind is not None and kind.decoder is not None


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower()).suffix


def _essence(content_type: str) -> str:
    """Return a media type without its parameters (RFC 9110, 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()
