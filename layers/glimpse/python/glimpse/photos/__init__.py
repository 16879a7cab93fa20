"""Bytes that claim to be a photo, made into an upright RGB picture, its time and a thumbnail, or refused."""

from glimpse.photos.exif import TAKEN_AT_UNKNOWN
from glimpse.photos.formats import MAX_JPEG_PIXELS, MAX_PIXELS, MAX_SIDE
from glimpse.photos.photo import ANY_MODEL, Photo, UnreadablePhoto, is_large, open_photo, thumbnail

__all__ = [
    "ANY_MODEL",
    "MAX_JPEG_PIXELS",
    "MAX_PIXELS",
    "MAX_SIDE",
    "TAKEN_AT_UNKNOWN",
    "Photo",
    "UnreadablePhoto",
    "is_large",
    "open_photo",
    "thumbnail",
]
