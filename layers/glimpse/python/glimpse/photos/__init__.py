"""Bytes that claim to be a photo, made into an upright RGB picture, its time and a thumbnail, or refused."""

from glimpse.photos.exif import TAKEN_AT_UNKNOWN
from glimpse.photos.photo import (
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    MAX_SIDE,
    Photo,
    UnreadablePhoto,
    open_photo,
    thumbnail,
)

__all__ = [
    "MAX_JPEG_PIXELS",
    "MAX_PIXELS",
    "MAX_SIDE",
    "TAKEN_AT_UNKNOWN",
    "Photo",
    "UnreadablePhoto",
    "open_photo",
    "thumbnail",
]
