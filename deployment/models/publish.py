"""Publish models to a deployment's index bucket, and put the first one into use."""

from __future__ import annotations

from glimpse import shelf
from glimpse.encoder import Bundle
from glimpse.generations import Generation, Generations, GenerationStore
from glimpse.generations.models import MODELS

from deployment.errors import UserError
from deployment.tables import opened
from deployment.target import Target


def publish(bundle: Bundle, target: Target) -> Generation:
    """Upload a bundle to a deployment's index bucket, unless it is already there.

    Returns
    -------
    Generation
        The deployment's record of the model.

    Raises
    ------
    UserError
        If it can't be uploaded.
    """
    try:
        shelf.publish(bundle, target.outputs["IndexBucket"], target.client("s3"))
    except shelf.ShelfError as error:
        raise UserError(f"The model {bundle.name} could not be published: {error}.") from error
    return Generation(bundle.name, bundle.space_id, bundle.digest, bundle.dimension)


def generations(target: Target) -> Generations | None:
    """Return the models that a deployment has; None if it has none yet.

    Raises
    ------
    UserError
        If its table can't be read.
    """
    with opened(target, MODELS):
        return GenerationStore().read()


def begin(bundle: Bundle, target: Target) -> Generations:
    """Publish a bundle, and use it if the deployment has no model yet; one that has a model keeps it.

    Raises
    ------
    UserError
        If the bucket or the table rejects it.
    """
    generation = publish(bundle, target)
    with opened(target, MODELS):
        return GenerationStore().initialize(generation)
