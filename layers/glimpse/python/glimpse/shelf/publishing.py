"""Publishes bundles: uploads them to the bucket, where the functions find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from glimpse.encoder import Bundle
from glimpse.shelf.listing import FILES, Listing
from glimpse.shelf.s3 import ModelBucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def publish(
    bundle: Bundle,
    bucket: str,
    client: S3Client | None = None,
    *,
    sent: Callable[[int], None] | None = None,
) -> tuple[str, ...]:
    """Upload the files of a bundle that the bucket lacks, the list of files last.

    Readers ignore a bundle without its list, so an interrupted upload never looks complete. Publishing again
    resumes it, and replaces objects that don't match the bundle.

    Parameters
    ----------
    bundle
        A whole bundle on this machine.
    bucket
        The index bucket.
    client
        An S3 client; by default one configured from the environment.
    sent
        Called, from several threads, with the number of bytes sent since the previous call.

    Returns
    -------
    tuple of str
        The paths that were uploaded; empty if everything was there.

    Raises
    ------
    BundleError
        If a half is missing: one half writes indexes and the other searches them.
    ShelfUnavailable
        If the bucket does not answer.
    ShelfError
        If the bucket refuses a request.
    """
    for half in ("visual", "textual"):
        bundle.model_path(half)
    store = ModelBucket(bucket, client)
    listing = Listing.of(bundle)
    digest, uploaded = listing.digest, []
    for file in [*listing.files[1:], listing.files[0]]:  # the configuration after the halves
        if store.stored(digest, file.path) != (file.size, file.sha256):
            store.upload(digest, file.path, bundle.path / file.path, file.sha256, sent)
            uploaded.append(file.path)
    if not _is_listed(store, listing):
        store.write(digest, FILES, listing.dump())
        uploaded.append(FILES)
    return tuple(uploaded)


def _is_listed(store: ModelBucket, listing: Listing) -> bool:
    return store.read(listing.digest, FILES) == listing.dump()
