"""Key prefixes in the buckets: the same as in :mod:`glimpse.keys`, which this package doesn't import."""

UPLOADS = "uploads/"
"""The only prefix whose new objects send events."""

THUMBNAILS = "thumbnails/"
OTHERS = "images/"
INDEXES = "indexes/"
MODELS = "models/"
