"""Bytes that claim to be a photo, made into an upright RGB picture, its time and a thumbnail, or refused."""

from glimpse.photos.exif import TAKEN_AT_UNKNOWN
from glimpse.photos.photo import MAX_JPEG_PIXELS, MAX_PIXELS, Photo, UnreadablePhoto, open_photo, thumbnail

__all__ = [
    "MAX_JPEG_PIXELS",
    "MAX_PIXELS",
    "TAKEN_AT_UNKNOWN",
    "Photo",
    "UnreadablePhoto",
    "open_photo",
    "thumbnail",
]
