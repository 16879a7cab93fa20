"""Puts a bundle into the bucket, where the functions find it."""

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
    """Upload what the bucket lacks of a bundle, the list of its files last.

    A bundle without its list does not exist for readers, so a publication that was cut off is never taken for
    complete; publishing again goes on where it ended, and replaces an object that is not the bundle's.

    Parameters
    ----------
    bundle
        A whole bundle, on this machine.
    bucket
        The index bucket.
    client
        An S3 client; made from the environment otherwise.
    sent
        Called with the number of further bytes sent, from several threads.

    Returns
    -------
    tuple of str
        The paths that were uploaded; empty if everything was there.

    Raises
    ------
    BundleError
        If a half is missing: one to write indexes and one to search them belong together.
    ShelfUnavailable
        If the bucket does not answer.
    ShelfError
        If the bucket refuses.
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
