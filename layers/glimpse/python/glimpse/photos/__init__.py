"""Decodes photos from untrusted bytes into an upright RGB picture, a capture time and a thumbnail."""

from glimpse.photos.decoding import Photo, UnreadablePhoto
from glimpse.photos.formats import MAX_JPEG_PIXELS, MAX_MISSING, MAX_PIXELS, MAX_SIDE
from glimpse.photos.photo import ANY_MODEL, is_large, open_photo
from glimpse.photos.taken import TAKEN_AT_UNKNOWN, Taken, guessed
from glimpse.photos.thumbnails import thumbnail

__all__ = [
    "ANY_MODEL",
    "MAX_JPEG_PIXELS",
    "MAX_MISSING",
    "MAX_PIXELS",
    "MAX_SIDE",
    "TAKEN_AT_UNKNOWN",
    "Photo",
    "Taken",
    "UnreadablePhoto",
    "guessed",
    "is_large",
    "open_photo",
    "thumbnail",
]
