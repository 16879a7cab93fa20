"""Brings models to a deployment: into its index bucket, and, at its first start, into use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from glimpse import shelf
from glimpse.encoder import Bundle
from glimpse.generations import Generation, Generations, GenerationStore
from glimpse.generations.models import MODELS
from glimpse.records.models import reset_connections
from pynamodb.exceptions import PynamoDBException

from local.errors import Trouble
from local.target import Target

# Would win over the deployment's own, or be added to them.
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


def publish(bundle: Bundle, target: Target) -> Generation:
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
        shelf.publish(bundle, target.outputs["IndexBucket"], target.client("s3"))
    except shelf.ShelfError as error:
        raise Trouble(f"The model {bundle.name} could not be published: {error}.") from error
    return Generation(bundle.name, bundle.space_id, bundle.digest, bundle.dimension)


def generations(target: Target) -> Generations | None:
    """Return which models a deployment has; None if it has none yet.

    Raises
    ------
    Trouble
        If its table can't be read.
    """
    with _store(target) as store:
        return store.read()


def begin(bundle: Bundle, target: Target) -> Generations:
    """Make a bundle the model of a deployment that has none yet; one that has a model keeps it.

    Raises
    ------
    Trouble
        If the bucket or the table refuses.
    """
    generation = publish(bundle, target)
    with _store(target) as store:
        return store.initialize(generation)


@contextmanager
def _store(target: Target) -> Iterator[GenerationStore]:
    """Open a deployment's table; pynamodb finds it by the environment, as in a function."""
    before = dict(os.environ)
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(target.environment())
    reset_connections(MODELS)
    try:
        yield GenerationStore()
    except PynamoDBException as error:
        raise Trouble(f"{target.name} does not say which models it has: {error}.") from error
    finally:
        os.environ.clear()
        os.environ.update(before)
        reset_connections(MODELS)
