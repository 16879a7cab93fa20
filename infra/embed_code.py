"""The container image (or zip) of ``embed`` and ``upkeep``: one artefact, with a handler for each."""

from __future__ import annotations

from functools import cached_property

from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_ecr_assets import Platform
from constructs import Construct

from infra import packaging
from infra.function import FunctionParts, Layers, ZipFunction
from infra.options import StackOptions


class EmbedCode:
    """Creates functions from the artefact that ``embed`` and ``upkeep`` share.

    Parameters
    ----------
    layers
        The layers that zip functions use.
    options
        Says whether the artefact is a container image or a zip.
    """

    def __init__(self, layers: Layers, options: StackOptions) -> None:
        self._layers = layers
        self._options = options

    @cached_property
    def _models(self) -> str:
        folder = packaging.stage_models(packaging.chosen_bundles())
        return str(folder.relative_to(packaging.ROOT))

    @cached_property
    def _zip(self) -> lambda_.Code:
        return self._layers.code_of("embed")

    def function(self, scope: Construct, *, package: str, parts: FunctionParts) -> lambda_.Function:
        """Create a function whose handler is in a package of ``functions``: ``embed`` or ``upkeep``."""
        if self._options.embed_zip:
            return ZipFunction(
                scope, "Zip", name="embed", layers=self._layers, parts=parts, package=package, code=self._zip
            ).function
        image = lambda_.DockerImageCode.from_image_asset(
            str(packaging.ROOT),
            file=packaging.DOCKERFILE,
            cmd=[f"functions.{package}.handler.handler"],
            build_args={"MODELS": self._models},
            platform=Platform.LINUX_AMD64,
            exclude=list(packaging.image_context(self._models)),
        )
        return lambda_.DockerImageFunction(scope, "Image", code=image, **parts.properties)
