"""The shelf: model bundles in the index bucket, and how a function gets the one that it needs.

::

    models/{bundle digest}/config.json
    models/{bundle digest}/visual/*, textual/*
    models/{bundle digest}/files.json      written last: {"name", "files": [{"path", "size", "sha256"}]}

Objects are content-addressed, hence immutable. The digest covers all files of a bundle, but a function reads
only one half, so ``files.json`` lists each file's SHA-256. The bundle digest is the digest of that list
(:func:`glimpse.encoder.bundle.digest_of_files`). So the list can be verified, and with it each single file. A
folder that holds part of a bundle, as in the container image, has the same ``files.json``.
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
