"""Which files may be images, by name and declared type alone; embedding judges the bytes."""

from pathlib import PurePosixPath

FORMATS = "JPEG, PNG, HEIC, AVIF, WebP, GIF, TIFF or BMP"
NOT_AN_IMAGE = f"This is not an image: upload {FORMATS} files."

_TYPE_BY_SUFFIX = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".hif": "image/heif",
    ".avif": "image/avif",
}
# A type that a browser may run, such as SVG, is never stored: objects are shown to others by their address.
_STORED_AS_DECLARED = set(_TYPE_BY_SUFFIX.values())
_UNKNOWN_TYPE = "application/octet-stream"


def may_be_image(name: str, content_type: str) -> bool:
    """Tell whether a name's suffix or the declared type is an image's."""
    return _suffix(name) in _TYPE_BY_SUFFIX or _essence(content_type).startswith("image/")


def stored_type(name: str, content_type: str) -> str:
    """Return the content type that the object gets: a known image type, or one that no browser interprets."""
    declared = _essence(content_type)
    if declared in _STORED_AS_DECLARED:
        return declared
    return _TYPE_BY_SUFFIX.get(_suffix(name), _UNKNOWN_TYPE)


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower()).suffix


def _essence(content_type: str) -> str:
    """Return a media type without its parameters (RFC 9110, 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()
