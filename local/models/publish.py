"""Brings models to a deployment: into its index bucket, and, at its first start, into use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glimpse import shelf
from glimpse.encoder import Bundle
from glimpse.generations import Generation

from local.errors import Trouble

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def generation_of(bundle: Bundle) -> Generation:
    """Describe the embedding space that a bundle makes of a deployment's images."""
    return Generation(bundle.name, bundle.space_id, bundle.digest, bundle.dimension)


def publish(bundle: Bundle, bucket: str, client: S3Client) -> Generation:
    """Put a bundle into a deployment's index bucket, unless it is there.

    Returns
    -------
    Generation
        What the deployment calls it.

    Raises
    ------
    Trouble
        If the bucket does not take it.
    """
    try:
        shelf.publish(bundle, bucket, client)
    except shelf.ShelfError as error:
        raise Trouble(f"The model {bundle.name} could not be published: {error}.") from error
    return generation_of(bundle)
