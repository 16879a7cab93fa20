"""Model bundles in the index bucket, and how a function comes by the one that it needs.

::

    models/{bundle digest}/config.json
    models/{bundle digest}/visual/*, textual/*
    models/{bundle digest}/files.json      written last: {"name", "files": [{"path", "size", "sha256"}]}

The keys are immutable, since the digest names the bytes. It covers all files of a bundle, but a function
reads one half: so ``files.json`` lists each file's SHA-256. The bundle digest is the digest of that list
(:func:`glimpse.encoder.bundle.digest_of_files`), which makes the list, and by it each file alone, verifiable.
The same ``files.json`` lies in a folder that holds a part of a bundle, such as the image's.
"""

from glimpse.shelf.errors import BundleDamaged, BundleMissing, ShelfError, ShelfUnavailable
from glimpse.shelf.listing import FILES, ListedFile, Listing
from glimpse.shelf.publishing import publish
from glimpse.shelf.shelf import Shelf, ShelfEntry

__all__ = [
    "FILES",
    "BundleDamaged",
    "BundleMissing",
    "ListedFile",
    "Listing",
    "Shelf",
    "ShelfEntry",
    "ShelfError",
    "ShelfUnavailable",
    "publish",
]
