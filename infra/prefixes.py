"""Prefixes of keys in the buckets: those of :mod:`glimpse.keys`, which this package doesn't import."""

UPLOADS = "uploads/"
THUMBNAILS = "thumbnails/"
OTHERS = "images/"
INDEXES = "indexes/"
MODELS = "models/"
